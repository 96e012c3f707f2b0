"""torchvision's deformable convolution, forward and backward, as plain functions.

Shapes: input (B, C, H, W); weight (O, C / groups, kH, kW); offset (B, 2 * deform_groups * kH * kW,
h, w) as y, x of each tap in the input's pixels; mask (B, deform_groups * kH * kW, h, w).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from hrnet_ext.compat.mmcv_ops.kernels import kernels
from hrnet_ext.compat.mmcv_ops.precision import computable


class DeformGeometry(NamedTuple):
    """How the kernel moves over the input, in torchvision's order of arguments."""

    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int
    dilation_h: int
    dilation_w: int
    groups: int
    deform_groups: int


class DeformGradients(NamedTuple):
    """Gradients of one deformable convolution, each of its tensor's shape."""

    input: Tensor
    weight: Tensor
    offset: Tensor
    mask: Tensor
    bias: Tensor


def convolve(
    input: Tensor,
    weight: Tensor,
    *,
    offset: Tensor,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    geometry: DeformGeometry,
) -> Tensor:
    """Deformable convolution.

    Args:
        input: (B, C, H, W).
        weight: (O, C / groups, kH, kW).
        offset: (B, 2 * deform_groups * kH * kW, h, w).
        mask: (B, deform_groups * kH * kW, h, w), a factor for each tap; none is all ones.
        bias: (O,); none is all zeros.
        geometry: how the kernel moves.

    Returns:
        (B, O, h, w).
    """
    tensors = _tensors(input, weight, offset, mask, bias)
    return kernels().deform_conv2d(*tensors, *geometry, mask is not None)


def convolve_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    geometry: DeformGeometry,
) -> DeformGradients:
    """Gradients of `convolve` for the gradient (B, O, h, w) of its result."""
    tensors = _tensors(input, weight, offset, mask, bias)
    grad = computable(grad_output).contiguous()
    grads = DeformGradients(
        *kernels()._deform_conv2d_backward(grad, *tensors, *geometry, mask is not None)
    )
    inside = _starts_inside(offset, weight.shape[2:], geometry)
    return grads._replace(offset=grads.offset * inside)


def _starts_inside(
    offset: Tensor, kernel_size: tuple[int, int], geometry: DeformGeometry
) -> Tensor:
    """Which taps lie below and right of -1: (B, 2 * deform_groups * kH * kW, h, w), bool.

    A tap at exactly -1, where zero offsets and a padding of 1 put it, samples nothing. There mmcv
    takes the derivative from outside, which is zero, and torchvision the one from inside.
    """
    batch, _, height, width = offset.shape
    rows = _tap_positions(height, kernel_size[0], geometry[0::2], offset.device)
    columns = _tap_positions(width, kernel_size[1], geometry[1::2], offset.device)
    taps = offset.view(batch, geometry.deform_groups, *kernel_size, 2, height, width)
    below = taps[:, :, :, :, 0] + rows[:, None, :, None] > -1
    right = taps[:, :, :, :, 1] + columns[None, :, None, :] > -1
    return (below & right).unsqueeze(4).expand_as(taps).reshape(offset.shape)


def _tap_positions(
    size: int, kernel_size: int, geometry: tuple[int, ...], device: torch.device
) -> Tensor:
    """Place of each tap of each output along one axis, without its offset: (kernel_size, size)."""
    stride, pad, dilation, _ = geometry
    output = torch.arange(size, device=device) * stride - pad
    return output + torch.arange(kernel_size, device=device)[:, None] * dilation


def _tensors(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    bias: Tensor | None,
) -> list[Tensor]:
    if mask is None:
        mask = input.new_zeros((input.shape[0], 0))
    if bias is None:
        bias = input.new_zeros(weight.shape[0])
    return [computable(tensor).contiguous() for tensor in (input, weight, offset, mask, bias)]

"""torchvision's deformable convolution, forward and backward, as plain functions.

Shapes: input (B, C, H, W); weight (O, C / groups, kH, kW); offset (B, 2 * deform_groups * kH * kW,
h, w) as y, x of each tap in the input's pixels; mask (B, deform_groups * kH * kW, h, w).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torchvision  # noqa: F401 - registers torch.ops.torchvision
from torch import Tensor

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
    return torch.ops.torchvision.deform_conv2d(*tensors, *geometry, mask is not None)


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
    return DeformGradients(
        *torch.ops.torchvision._deform_conv2d_backward(grad, *tensors, *geometry, mask is not None)
    )


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

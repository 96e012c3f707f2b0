"""Modulated deformable convolution: each kernel tap has an offset and a factor.

Shapes: input (B, C, H, W); weight (O, C / group, kH, kW); bias (O,); offset (B, 2 *
deformable_group * kH * kW, h, w) as y, x of each tap in the input's pixels; mask (B,
deformable_group * kH * kW, h, w); output (B, O, h, w).
`ones` and `columns` are mmcv's work space and not used. `geometry` is kernel, stride, padding,
dilation and groups by mmcv's names: kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w,
dilation_h, dilation_w, group, deformable_group.
Source: Zhu et al., CVPR 2019; computed by torchvision, whose layouts are the same.
"""

from __future__ import annotations

from torch import Tensor

from hrnet_ext.compat.mmcv_ops.deform_kernel import DeformGeometry, convolve, convolve_backward


def modulated_deform_conv_forward(
    input: Tensor,  # mmcv's calling convention
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    *,
    with_bias: bool,
    **geometry: int,
) -> None:
    """Convolve `input` (B, C, H, W) into `output` (B, O, h, w)."""
    result = convolve(
        input,
        weight,
        offset=offset,
        mask=mask,
        bias=bias if with_bias else None,
        geometry=_geometry(**geometry),
    )
    output.copy_(result)


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    *,
    with_bias: bool,
    **geometry: int,
) -> None:
    """Add the gradients to the five `grad_` tensors; `grad_bias` only `with_bias`."""
    grads = convolve_backward(
        grad_output,
        input,
        weight=weight,
        offset=offset,
        mask=mask,
        bias=bias if with_bias else None,
        geometry=_geometry(**geometry),
    )
    grad_input += grads.input.to(grad_input)
    grad_weight += grads.weight.to(grad_weight)
    grad_offset += grads.offset.to(grad_offset)
    grad_mask += grads.mask.to(grad_mask)
    if with_bias:
        grad_bias += grads.bias.to(grad_bias)


def _geometry(
    *,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
) -> DeformGeometry:
    return DeformGeometry(
        stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, group, deformable_group
    )

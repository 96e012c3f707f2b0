"""Deformable convolution: each kernel tap is displaced by its own offset.

Shapes: input (B, C, H, W); weight (O, C / group, kH, kW); offset (B, 2 * deformable_group * kH *
kW, h, w) as y, x of each tap in the input's pixels; output (B, O, h, w).
`columns` and `ones` are mmcv's work space, and `im2col_step` sets its size: the result does not
depend on them, and they are not used. `geometry` is kernel, stride, padding, dilation and groups by
mmcv's names: kW, kH, dW, dH, padW, padH, dilationW, dilationH, group, deformable_group.
Source: Dai et al., ICCV 2017; computed by torchvision, whose layouts are the same.
"""

from __future__ import annotations

from torch import Tensor

from hrnet_ext.compat.mmcv_ops.deform_kernel import DeformGeometry, convolve, convolve_backward


def deform_conv_forward(
    input: Tensor,  # mmcv's calling convention
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    *,
    im2col_step: int,
    **geometry: int,
) -> None:
    """Convolve `input` (B, C, H, W) into `output` (B, O, h, w)."""
    output.copy_(convolve(input, weight, offset=offset, geometry=_geometry(**geometry)))


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    *,
    im2col_step: int,
    **geometry: int,
) -> None:
    """Add the gradients of input and offset to `grad_input` and `grad_offset`."""
    grads = convolve_backward(
        grad_output, input, weight=weight, offset=offset, geometry=_geometry(**geometry)
    )
    grad_input += grads.input.to(grad_input)
    grad_offset += grads.offset.to(grad_offset)


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    *,
    scale: float,
    im2col_step: int,
    **geometry: int,
) -> None:
    """Add the gradient of the weight, times `scale`, to `grad_weight`."""
    # It does not depend on the weight, which mmcv does not pass here.
    weight = input.new_zeros(grad_weight.shape)
    grads = convolve_backward(
        grad_output, input, weight=weight, offset=offset, geometry=_geometry(**geometry)
    )
    grad_weight += scale * grads.weight.to(grad_weight)


def _geometry(
    *,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
) -> DeformGeometry:
    return DeformGeometry(dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)

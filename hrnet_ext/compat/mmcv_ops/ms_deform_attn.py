"""Multi-scale deformable attention: a weighted sum of bilinear samples from several maps.

Shapes: value (B, sum of h * w, M heads, D); value_spatial_shapes (L, 2) as h, w;
sampling_locations (B, Q, M, L, P, 2) as x, y in 0 .. 1 over each map; attention_weights
(B, Q, M, L, P); output (B, Q, M * D).
Source: Zhu et al., ICLR 2021. `value_level_start_index` follows from the shapes and `im2col_step`
only sets the size of mmcv's work space; neither is used.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hrnet_ext.compat.mmcv_ops.precision import computable


def ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    *,
    im2col_step: int,
) -> Tensor:
    """The attended values, (B, Q, M * D)."""
    tensors = (computable(t) for t in (value, sampling_locations, attention_weights))
    return _attend(*tensors, value_spatial_shapes.tolist()).to(value)


def ms_deform_attn_backward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    *,
    im2col_step: int,
) -> None:
    """Add the gradients to `grad_value`, `grad_sampling_loc` and `grad_attn_weight`."""
    inputs = [
        computable(tensor).detach().requires_grad_()
        for tensor in (value, sampling_locations, attention_weights)
    ]
    with torch.enable_grad():  # mmcv calls this inside of its own backward pass
        output = _attend(*inputs, value_spatial_shapes.tolist())
    grads = torch.autograd.grad(output, inputs, computable(grad_output))
    for total, grad in zip((grad_value, grad_sampling_loc, grad_attn_weight), grads):
        total += grad.to(total)


def _attend(value: Tensor, locations: Tensor, weights: Tensor, shapes: list[list[int]]) -> Tensor:
    batch, _, num_heads, depth = value.shape
    num_queries = locations.shape[1]
    # Heads become images: (B * M, D, keys) for the maps, (B * M, Q, L, P, 2) for the samples.
    maps = value.permute(0, 2, 3, 1).flatten(0, 1).split([h * w for h, w in shapes], dim=-1)
    grids = (2 * locations - 1).transpose(1, 2).flatten(0, 1)
    samples = [
        F.grid_sample(
            level_map.unflatten(-1, shape), grids[:, :, level], align_corners=False
        )  # (B * M, D, Q, P), bilinear, zeros outside
        for level, (level_map, shape) in enumerate(zip(maps, shapes))
    ]
    weights = weights.transpose(1, 2).flatten(0, 1)[:, None]  # (B * M, 1, Q, L, P)
    attended = (torch.stack(samples, dim=-2) * weights).sum(dim=(-2, -1))
    return attended.view(batch, num_heads * depth, num_queries).transpose(1, 2).contiguous()

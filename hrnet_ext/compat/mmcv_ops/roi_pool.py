"""RoIPool: the maximum of the pixels in each bin of a box.

Shapes: input (B, C, H, W); rois (R, 5) as batch index, x1, y1, x2, y2 in image space, corners
inclusive; output (R, C, h, w).
Source: Girshick, ICCV 2015. As in mmcv, corners are not rounded before the bins are laid, which is
why torchvision's operator of that name, which rounds them, cannot be used.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hrnet_ext.compat.mmcv_ops.precision import computable

EMPTY = -1  # argmax of a bin without pixels


def roi_pool_forward(
    input: Tensor,  # mmcv's calling convention
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    *,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Pool every box into `output`; a bin without pixels is 0.

    Args:
        input: (B, C, H, W).
        rois: (R, 5).
        output: (R, C, h, w); written.
        argmax: (R, C, h, w), int32; written with the index y * W + x of the largest pixel, -1 for
            a bin without pixels.
        pooled_height: h.
        pooled_width: w.
        spatial_scale: input pixels per pixel of image space.
    """
    input, rois = computable(input), computable(rois)
    height, width = input.shape[2:]
    images = rois[:, 0].long().tolist()
    tops, bottoms = _bins(rois[:, 2], rois[:, 4], spatial_scale, pooled_height, height)
    lefts, rights = _bins(rois[:, 1], rois[:, 3], spatial_scale, pooled_width, width)
    for number, image in enumerate(images):
        rows, row_counts = _pixels(tops[number], bottoms[number])
        columns, column_counts = _pixels(lefts[number], rights[number])
        if rows.shape[1] == 0 or columns.shape[1] == 0:
            output[number], argmax[number] = 0, EMPTY
            continue
        inside = row_counts[:, None, :, None] & column_counts[None, :, None, :]
        index = (rows[:, None, :, None] * width + columns[None, :, None, :]).flatten(2)
        pixels = input[image].flatten(1)[:, index]  # (C, h, w, pixels of the largest bin)
        largest, place = pixels.masked_fill(~inside.flatten(2), -torch.inf).max(dim=-1)
        empty = ~inside.flatten(2).any(dim=-1)
        where = index.expand_as(pixels).gather(-1, place[..., None])[..., 0]
        output[number] = largest.masked_fill(empty, 0).to(output)
        argmax[number] = where.masked_fill(empty, EMPTY).to(argmax)


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    *,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Add each value's gradient to the pixel it came from.

    Args:
        grad_output: (R, C, h, w).
        rois: (R, 5).
        argmax: as written by the forward pass.
        grad_input: (B, C, H, W); added to.
        pooled_height: h.
        pooled_width: w.
        spatial_scale: as in the forward pass.
    """
    num_channels, height, width = grad_input.shape[1:]
    channels = torch.arange(num_channels, device=rois.device)[:, None, None]
    planes = rois[:, 0].long().view(-1, 1, 1, 1) * num_channels + channels
    pixels = planes * (height * width) + argmax
    pooled = argmax != EMPTY
    grad_input.view(-1).index_add_(0, pixels[pooled], grad_output[pooled].to(grad_input))


def _bins(
    start: Tensor, end: Tensor, spatial_scale: float, num_bins: int, size: int
) -> tuple[Tensor, Tensor]:
    """First pixel and the one behind the last of each bin along one axis: two (R, bins), int64.

    Neighbouring bins share the pixel that their border cuts. A box without extent has empty bins.
    """
    start, end = start * spatial_scale, (end + 1) * spatial_scale
    extent = (end - start)[:, None]
    number = torch.arange(num_bins, device=start.device)
    first = (number * (extent / num_bins) + start[:, None]).floor().long().clamp(0, size)
    behind = ((number + 1) * (extent / num_bins) + start[:, None]).ceil().long().clamp(0, size)
    return first, torch.where(extent > 0, behind, first)


def _pixels(first: Tensor, behind: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels of each bin along one axis, padded to the longest: (bins, n), and which are real."""
    longest = int((behind - first).max().clamp(min=0))
    pixels = first[:, None] + torch.arange(longest, device=first.device)
    real = pixels < behind[:, None]
    return torch.where(real, pixels, 0), real

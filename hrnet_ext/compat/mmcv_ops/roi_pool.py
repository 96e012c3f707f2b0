"""RoIPool: the maximum of the pixels in each bin of a box.

Shapes: input (B, C, H, W); rois (R, 5) as batch index, x1, y1, x2, y2 in image space, corners
inclusive; output (R, C, h, w).
Source: Girshick, ICCV 2015. As in mmcv, corners are not rounded before the bins are laid, which is
why torchvision's operator of that name, which rounds them, cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from hrnet_ext.compat.mmcv_ops.precision import computable

EMPTY = -1  # argmax of a bin without pixels
LARGEST_GROUP = 2**24  # values that are compared at once, 64 MiB in float32
LARGEST_GROUP_ON_CPU = 2**20  # its caches hold no more: half the time


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
    rows = _bins(rois[:, 2], rois[:, 4], spatial_scale, pooled_height, height)
    columns = _bins(rois[:, 1], rois[:, 3], spatial_scale, pooled_width, width)
    pixels = input.permute(0, 2, 3, 1).flatten(0, 2)  # (B * H * W, C), all channels side by side
    start = rois[:, 0].long() * (height * width)
    for boxes, num_rows, num_columns in _groups(rows, columns, output.shape[1:].numel()):
        y, is_row = _pixels(*(side[boxes] for side in rows), num_rows)
        x, is_column = _pixels(*(side[boxes] for side in columns), num_columns)
        inside = (is_row[:, :, None, :, None] & is_column[:, None, :, None, :]).flatten(3)
        place = (y[:, :, None, :, None] * width + x[:, None, :, None, :]).flatten(3)
        index = place + start[boxes].view(-1, 1, 1, 1)
        values = pixels.index_select(0, index.flatten()).view(*index.shape, -1)
        largest, which = values.masked_fill(~inside[..., None], -torch.inf).max(dim=3)
        empty = ~inside.any(dim=3)[..., None]
        output[boxes] = largest.masked_fill(empty, 0).permute(0, 3, 1, 2).to(output)
        where = place.gather(3, which).masked_fill(empty, EMPTY)
        argmax[boxes] = where.permute(0, 3, 1, 2).to(argmax)


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
    empty = argmax == EMPTY  # they add nothing to pixel 0: which they are need not be read
    gradient = grad_output.masked_fill(empty, 0).to(grad_input)
    index = pixels.masked_fill(empty, 0)
    grad_input.view(-1).index_add_(0, index.flatten(), gradient.flatten())


def _bins(
    start: Tensor, end: Tensor, spatial_scale: float, num_bins: int, size: int
) -> tuple[Tensor, Tensor]:
    """First pixel and the one behind the last of each bin along one axis: two (R, bins), int64.

    Neighboring bins share the pixel that their border cuts. A box without extent has empty bins.
    """
    start, end = start * spatial_scale, (end + 1) * spatial_scale
    extent = (end - start)[:, None]
    number = torch.arange(num_bins, device=start.device)
    first = (number * (extent / num_bins) + start[:, None]).floor().long().clamp(0, size)
    behind = ((number + 1) * (extent / num_bins) + start[:, None]).ceil().long().clamp(0, size)
    return first, torch.where(extent > 0, behind, first)


def _groups(
    rows: tuple[Tensor, Tensor], columns: tuple[Tensor, Tensor], num_values: int
) -> Iterator[tuple[Tensor, int, int]]:
    """Boxes of about one size, as many as fit into memory: indices, rows and columns of a bin.

    Sizes are read all at once: to read one from a GPU is to wait for all that was asked of it.
    """
    longest = [(behind - first).amax(1).clamp(min=1) for first, behind in (rows, columns)]
    sizes = torch.stack(longest, -1).cpu().tolist()
    order = sorted(range(len(sizes)), key=lambda box: -max(sizes[box]))
    boxes = torch.tensor(order, dtype=torch.long, device=rows[0].device)
    most = LARGEST_GROUP_ON_CPU if boxes.device.type == 'cpu' else LARGEST_GROUP
    begin = 0
    while begin < len(order):
        side = max(sizes[order[begin]])  # the others' is at most that
        end = begin + max(1, most // (num_values * side**2))
        num_rows, num_columns = map(max, zip(*(sizes[box] for box in order[begin:end])))
        yield boxes[begin:end], num_rows, num_columns
        begin = end


def _pixels(first: Tensor, behind: Tensor, num: int) -> tuple[Tensor, Tensor]:
    """Pixels of each bin along one axis, padded to ``num``: (R, bins, num), and which are real."""
    pixels = first[..., None] + torch.arange(num, device=first.device)
    real = pixels < behind[..., None]
    return torch.where(real, pixels, 0), real

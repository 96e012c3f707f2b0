"""RoIAlign: bilinear samples on a regular grid inside each bin of a box, averaged or their maximum.

Shapes: input (B, C, H, W); rois (R, 5) as batch index, x1, y1, x2, y2 in image space, which
`spatial_scale` takes to the pixels of the input; output (R, C, h, w).
Source: He et al., ICCV 2017; the sampling is torchvision's.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from hrnet_ext.compat.mmcv_ops.kernels import kernels
from hrnet_ext.compat.mmcv_ops.precision import computable

MAX, AVERAGE = 0, 1
NO_SAMPLE = -1.0  # argmax coordinate of a bin without samples


class _Pooling(NamedTuple):
    """The keywords both passes share, as torchvision's kernels want them."""

    spatial_scale: float
    height: int
    width: int
    sampling_ratio: int
    aligned: bool


# Unaligned, a box without extent is clamped to 1x1, sampled once in its middle.
_SINGLE = _Pooling(spatial_scale=1.0, height=1, width=1, sampling_ratio=1, aligned=False)


def roi_align_forward(
    input: Tensor,  # mmcv's calling convention
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    *,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Pool every box into `output`.

    Args:
        input: (B, C, H, W).
        rois: (R, 5).
        output: (R, C, h, w); written.
        argmax_y: (R, C, h, w) for maximum pooling, else empty; written with the row of the
            largest sample in the input's pixels, -1 for a bin without samples.
        argmax_x: the same for the column.
        aligned_height: h.
        aligned_width: w.
        spatial_scale: input pixels per pixel of image space.
        sampling_ratio: samples per bin and axis; 0 for one per input pixel, rounded up.
        pool_mode: 0 for the maximum, 1 for the average.
        aligned: shift by half a pixel, so that boxes are exact; else boxes are at least 1x1.
    """
    pooling = _Pooling(spatial_scale, aligned_height, aligned_width, sampling_ratio, aligned)
    input, rois = computable(input), computable(rois)
    if pool_mode == AVERAGE:
        output.copy_(_average(input, rois, pooling))
        return
    for chosen, grid in _by_sample_grid(rois, pooling):
        largest, y, x = _maximum(input, rois[chosen], pooling, grid)
        output[chosen] = largest.to(output)
        argmax_y[chosen] = y.to(argmax_y)
        argmax_x[chosen] = x.to(argmax_x)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    *,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Add the gradient with respect to the input to `grad_input`.

    Args:
        grad_output: (R, C, h, w).
        rois: (R, 5).
        argmax_y: as written by the forward pass.
        argmax_x: as written by the forward pass.
        grad_input: (B, C, H, W); added to.
        aligned_height: h.
        aligned_width: w.
        spatial_scale: as in the forward pass.
        sampling_ratio: as in the forward pass.
        pool_mode: as in the forward pass.
        aligned: as in the forward pass.
    """
    pooling = _Pooling(spatial_scale, aligned_height, aligned_width, sampling_ratio, aligned)
    grad, rois = computable(grad_output), computable(rois)
    if pool_mode == AVERAGE:
        grad_input += _average_backward(grad, rois, pooling, grad_input.shape).to(grad_input)
        return
    # Channels become images: each pooled value has a sample of its own to go back to.
    num_images, num_channels, *size = grad_input.shape
    channels = torch.arange(num_channels, device=rois.device)[:, None, None]
    planes = (rois[:, 0].view(-1, 1, 1, 1) * num_channels + channels).expand_as(argmax_y)
    points = _points_as_rois(planes, computable(argmax_y), computable(argmax_x))
    grad = grad.masked_fill(argmax_y == NO_SAMPLE, 0).reshape(-1, 1, 1, 1)
    sampled = _average_backward(grad, points, _SINGLE, (num_images * num_channels, 1, *size))
    grad_input += sampled.view_as(grad_input).to(grad_input)


def _average(input: Tensor, rois: Tensor, pooling: _Pooling) -> Tensor:
    return kernels().roi_align(input, rois, *pooling)


def _average_backward(
    grad: Tensor, rois: Tensor, pooling: _Pooling, input_shape: tuple[int, ...]
) -> Tensor:
    scale, height, width, *sampling = pooling
    return kernels()._roi_align_backward(grad, rois, scale, height, width, *input_shape, *sampling)


def _by_sample_grid(rois: Tensor, pooling: _Pooling) -> list[tuple[Tensor, tuple[int, int]]]:
    """Boxes grouped by their number of samples a bin: [(indices (n,), (rows, columns)), ...]."""
    if pooling.sampling_ratio > 0:
        grid = (pooling.sampling_ratio, pooling.sampling_ratio)
        return [(torch.arange(len(rois), device=rois.device), grid)]
    _, size = _origin_and_size(rois, pooling)  # (R, 2) as height, width
    bins = size.new_tensor([pooling.height, pooling.width])
    grids, group = (size / bins).ceil().long().clamp(min=0).unique(dim=0, return_inverse=True)
    return [
        (torch.nonzero(group == number)[:, 0], (rows, columns))
        for number, (rows, columns) in enumerate(grids.tolist())
    ]


def _maximum(
    input: Tensor,
    rois: Tensor,
    pooling: _Pooling,
    grid: tuple[int, int],
) -> tuple[Tensor, Tensor, Tensor]:
    """Largest sample of each bin and its row and column in the input: three (n, C, h, w)."""
    rows, columns = grid
    num_rois, num_channels = len(rois), input.shape[1]
    shape = (num_rois, num_channels, pooling.height, pooling.width)
    if rows * columns == 0:
        nowhere = input.new_full(shape, NO_SAMPLE)
        return input.new_zeros(shape), nowhere, nowhere
    origin, size = _origin_and_size(rois, pooling)
    y = _sample_positions(origin[:, 0], size[:, 0], pooling.height, rows)
    x = _sample_positions(origin[:, 1], size[:, 1], pooling.width, columns)
    # (n, h, w, rows * columns): the samples of a bin side by side
    y = y[:, :, None, :, None].expand(-1, -1, pooling.width, -1, columns).flatten(3)
    x = x[:, None, :, None, :].expand(-1, pooling.height, -1, rows, -1).flatten(3)
    images = rois[:, 0].view(-1, 1, 1, 1).expand_as(y)
    samples = _average(input, _points_as_rois(images, y, x), _SINGLE)
    bins = samples.view(*y.shape, num_channels).movedim(-1, 1)
    largest, index = bins.max(dim=-1)
    y, x = (position[:, None].expand_as(bins).gather(-1, index[..., None]) for position in (y, x))
    return largest, y[..., 0], x[..., 0]


def _sample_positions(origin: Tensor, size: Tensor, num_bins: int, num_samples: int) -> Tensor:
    """Where the samples of each bin lie along one axis, in the input's pixels: (n, bins, samples).

    In mmcv's order of operations: a sample on the last border that counts must not fall off it.
    """
    bin_size = (size / num_bins)[:, None, None]
    bins = torch.arange(num_bins, device=size.device)[:, None]
    samples = torch.arange(num_samples, device=size.device) + 0.5
    return origin[:, None, None] + bins * bin_size + samples * bin_size / num_samples


def _origin_and_size(rois: Tensor, pooling: _Pooling) -> tuple[Tensor, Tensor]:
    """Corner and extent of the boxes in the input's pixels, both (R, 2) as y, x."""
    corners = rois[:, 1:] * pooling.spatial_scale - (0.5 if pooling.aligned else 0.0)
    origin = corners[:, [1, 0]]
    size = corners[:, [3, 2]] - origin
    return origin, size if pooling.aligned else size.clamp(min=1)


def _points_as_rois(planes: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """One box for each point, of which `_SINGLE` pooling takes this point as its only sample.

    Args:
        planes: index into the input's first dimension, any shape.
        y: rows in the input's pixels, of that shape.
        x: columns, of that shape.

    Returns:
        (points, 5): boxes without extent, which are clamped to 1x1, half a pixel up and left.
    """
    top, left = y - 0.5, x - 0.5
    return torch.stack([planes, left, top, left, top], dim=-1).view(-1, 5)

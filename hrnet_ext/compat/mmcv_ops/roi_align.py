"""RoIAlign: bilinear samples on a regular grid inside each bin of a box, averaged or their maximum.

Shapes: input (B, C, H, W); rois (R, 5) as batch index, x1, y1, x2, y2 in image space, which
`spatial_scale` takes to the pixels of the input; output (R, C, h, w).
Source: He et al., ICCV 2017; the sampling is torchvision's.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torchvision  # noqa: F401 - registers torch.ops.torchvision
from torch import Tensor

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
    points = _points_as_rois(rois, computable(argmax_y), computable(argmax_x))
    grad = grad.masked_fill(argmax_y == NO_SAMPLE, 0).reshape(-1, 1, 1, 1)
    # A box that is a point, unaligned, is clamped to 1x1 around its only sample.
    single = _Pooling(1.0, 1, 1, 1, False)
    planes = (grad_input.shape[0] * grad_input.shape[1], 1, *grad_input.shape[2:])
    grad_input += _average_backward(grad, points, single, planes).view_as(grad_input).to(grad_input)


def _average(input: Tensor, rois: Tensor, pooling: _Pooling) -> Tensor:
    return torch.ops.torchvision.roi_align(input, rois, *pooling)


def _average_backward(
    grad: Tensor, rois: Tensor, pooling: _Pooling, input_shape: tuple[int, ...]
) -> Tensor:
    scale, height, width, *sampling = pooling
    return torch.ops.torchvision._roi_align_backward(
        grad, rois, scale, height, width, *input_shape, *sampling
    )


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
    shape = (len(rois), input.shape[1], pooling.height, pooling.width)
    if rows * columns == 0:
        nowhere = input.new_full(shape, NO_SAMPLE)
        return input.new_zeros(shape), nowhere, nowhere
    # One sample a bin on a grid as fine as the samples: the average of one is the sample.
    fine = pooling._replace(
        height=pooling.height * rows, width=pooling.width * columns, sampling_ratio=1
    )
    samples = _average(input, rois, fine)
    bins = samples.view(*shape[:3], rows, pooling.width, columns).transpose(3, 4).flatten(4)
    largest, index = bins.max(dim=-1)
    origin, size = _origin_and_size(rois, pooling)
    origin, size = origin[:, :, None, None, None], size[:, :, None, None, None]
    y = _grid_position(index // columns, rows, dim=2)
    x = _grid_position(index % columns, columns, dim=3)
    return (
        largest,
        origin[:, 0] + size[:, 0] * y.to(size) / fine.height,
        origin[:, 1] + size[:, 1] * x.to(size) / fine.width,
    )


def _grid_position(index_in_bin: Tensor, samples_a_bin: int, dim: int) -> Tensor:
    """Centre of a sample, in samples from the box's edge, from its place in its bin."""
    bins = torch.arange(index_in_bin.shape[dim], device=index_in_bin.device)
    bins = bins.view([-1 if axis == dim else 1 for axis in range(4)])
    return bins * samples_a_bin + index_in_bin + 0.5


def _origin_and_size(rois: Tensor, pooling: _Pooling) -> tuple[Tensor, Tensor]:
    """Corner and extent of the boxes in the input's pixels, both (R, 2) as y, x."""
    corners = rois[:, 1:] * pooling.spatial_scale - (0.5 if pooling.aligned else 0.0)
    origin = corners[:, [1, 0]]
    size = corners[:, [3, 2]] - origin
    return origin, size if pooling.aligned else size.clamp(min=1)


def _points_as_rois(rois: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """One box without extent for each pooled value, one plane for each image and channel.

    Args:
        rois: (R, 5).
        y: (R, C, h, w).
        x: (R, C, h, w).

    Returns:
        (R * C * h * w, 5): plane index, then the point less half a pixel, twice.
    """
    num_channels = y.shape[1]
    channels = torch.arange(num_channels, device=y.device)[:, None, None]
    planes = rois[:, 0].view(-1, 1, 1, 1) * num_channels + channels
    top, left = y - 0.5, x - 0.5
    return torch.stack([planes.expand_as(y), left, top, left, top], dim=-1).reshape(-1, 5)

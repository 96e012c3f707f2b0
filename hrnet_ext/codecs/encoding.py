"""Keypoints -> Gaussian heatmaps, a whole batch at once, on whatever device they are on.

Legend: B samples; K keypoints; (W, H) heatmap size; keypoints (B, K, 2) as (x, y) in *heatmap*
space; visible (B, K), labelled if >= 0.5; heatmaps (B, K, H, W) float32.

The numbers are those of the released code (Xiao et al., ECCV 2018; Sun et al., CVPR 2019) as
MMPose computes them.
"""

import math

import numpy as np
import torch
from torch import Tensor

RADIUS_IN_SIGMAS = 3  # a Gaussian is cut off there, and dropped if its window misses the heatmap


def encode_rounded(
    keypoints: Tensor, visible: Tensor, *, heatmap_size: tuple[int, int], sigma: float
) -> tuple[Tensor, Tensor]:
    """Gaussians centred on the nearest pixel, cut off at three sigma: 0 elsewhere.

    Returns:
        heatmaps (B, K, H, W), and weights (B, K): ``visible``, 0 where the Gaussian is outside.
    """
    radius = sigma * RADIUS_IN_SIGMAS
    patch = _gaussian_patch(sigma, keypoints.device)
    center = (keypoints + 0.5).long()
    first = (center - radius).long()  # truncated towards zero, as the reference does
    end = (center + radius + 1).long()
    inside = _touches(first, end, heatmap_size)

    offsets = torch.arange(len(patch), device=keypoints.device)
    columns, column_valid = _window(first[..., 0], end[..., 0], offsets, heatmap_size[0])
    rows, row_valid = _window(first[..., 1], end[..., 1], offsets, heatmap_size[1])
    drawn = inside & (visible >= 0.5)
    valid = row_valid[..., :, None] & column_valid[..., None, :] & drawn[..., None, None]
    heatmaps = _scatter(patch, rows, columns, valid, heatmap_size)
    return heatmaps, _weights(visible, inside)


def encode_unbiased(
    keypoints: Tensor, visible: Tensor, *, heatmap_size: tuple[int, int], sigma: float
) -> tuple[Tensor, Tensor]:
    """Gaussians centred on the keypoint itself, without a cut-off (DARK, Zhang et al., CVPR 2020).

    Returns:
        heatmaps (B, K, H, W), and weights (B, K): ``visible``, 0 where the Gaussian is outside.
    """
    width, height = heatmap_size
    radius = sigma * RADIUS_IN_SIGMAS
    inside = _touches(keypoints - radius, keypoints + radius + 1, heatmap_size)
    axes = {'dtype': keypoints.dtype, 'device': keypoints.device}
    dx = torch.arange(width, **axes) - keypoints[..., 0, None]
    dy = torch.arange(height, **axes) - keypoints[..., 1, None]
    drawn = (inside & (visible >= 0.5))[..., None, None]
    squared = dx.square()[..., None, :] + dy.square()[..., :, None]
    heatmaps = _exp(-squared / (2 * sigma**2)) * drawn
    return heatmaps.float(), _weights(visible, inside)


def _gaussian_patch(sigma: float, device: torch.device) -> Tensor:
    """The Gaussian all keypoints share: (S, S), S = 2 * 3 * sigma + 1, value 1 in the middle."""
    size = 2 * RADIUS_IN_SIGMAS * sigma + 1
    axis = torch.arange(math.ceil(size), dtype=torch.float32) - size // 2
    squared = axis.square()[:, None] + axis.square()[None, :]
    return _exp(-squared / (2 * sigma**2)).to(device)


def _exp(x: Tensor) -> Tensor:
    """NumPy's on the CPU, equal to the reference to the last bit; elsewhere the device's own."""
    return torch.from_numpy(np.exp(x.numpy())) if x.device.type == 'cpu' else x.exp()


def _touches(first: Tensor, end: Tensor, size: tuple[int, int]) -> Tensor:
    limit = torch.tensor(size, device=first.device)
    return ((first < limit) & (end >= 0)).all(-1)


def _window(first: Tensor, end: Tensor, offsets: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Where the patch's lines fall on one axis: (B, K, S) positions, and which of them count."""
    position = first[..., None] + offsets
    return position, (position >= 0) & (position < end[..., None].clamp(max=length))


def _scatter(
    patch: Tensor, rows: Tensor, columns: Tensor, valid: Tensor, size: tuple[int, int]
) -> Tensor:
    """Write the patch into empty heatmaps; what does not count goes to one spare element."""
    batch, num_keypoints = rows.shape[:2]
    width, height = size
    total = batch * num_keypoints * height * width
    start = torch.arange(batch * num_keypoints, device=rows.device) * (height * width)
    start = start.view(batch, num_keypoints, 1, 1)
    index = start + rows[..., :, None] * width + columns[..., None, :]
    flat = torch.zeros(total + 1, device=rows.device)
    flat[index.where(valid, total)] = patch.expand(batch, num_keypoints, -1, -1)
    return flat[:total].view(batch, num_keypoints, height, width)


def _weights(visible: Tensor, inside: Tensor) -> Tensor:
    """0 for a labelled keypoint whose Gaussian is outside; what is unlabelled keeps its value."""
    return visible * (inside | (visible < 0.5))

"""Heatmaps -> keypoints, for a whole batch, on any device.

Legend: B samples; K keypoints; heatmaps (B, K, H, W); keypoints (B, K, 2) as (x, y) in *heatmap*
space; scores (B, K), the heatmap's maximum.
"""

import numpy as np
import torch
from torch import Tensor

QUARTER = 0.25  # pixel towards the higher neighbor, Newell et al., ECCV 2016
NOWHERE = -1.0  # both coordinates of a keypoint whose heatmap has no positive value


def heatmap_maximum(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """The highest pixel of each heatmap; of equal ones, a CPU takes the first.

    Returns:
        keypoints (B, K, 2), float with whole values, ``NOWHERE`` if no value is positive; scores.
    """
    width = heatmaps.shape[-1]
    scores, index = _maximum(heatmaps.flatten(2))
    keypoints = torch.stack([index % width, index // width], -1).to(heatmaps.dtype)
    return keypoints.where((scores > 0)[..., None], NOWHERE), scores


def shift_quarter(keypoints: Tensor, heatmaps: Tensor) -> Tensor:
    """Move each maximum a quarter pixel along x and y towards its higher neighbor.

    A maximum in the first two or the last column keeps its x, in such a row its y; MMPose's rule.
    """
    height, width = heatmaps.shape[-2:]
    x, y = keypoints.long().unbind(-1)
    center = (y * width + x).clamp(0)  # also for ``NOWHERE``, which is not moved
    # Stacked rather than added to a tensor of offsets, which would be created on the CPU and stay
    # there in exported graphs.
    around = torch.stack([center + 1, center - 1, center + width, center - width], -1)
    around = around.clamp(0, height * width - 1)
    right, left, below, above = heatmaps.flatten(2).gather(2, around).unbind(-1)
    dx = (right - left) * ((x > 1) & (x < width - 1) & (y > 0))
    dy = (below - above) * ((y > 1) & (y < height - 1) & (x > 0))
    return keypoints + QUARTER * torch.stack([dx, dy], -1).sign()


def _maximum(values: Tensor) -> tuple[Tensor, Tensor]:
    """Maxima of the last dimension and their indices; on CPUs NumPy is ten times faster."""
    if values.device.type != 'cpu':
        return values.max(-1)
    index = torch.from_numpy(np.asarray(values.numpy().argmax(-1)))
    return values.gather(-1, index[..., None])[..., 0], index

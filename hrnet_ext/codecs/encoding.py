"""Keypoints -> Gaussian heatmaps, for a whole batch, on any device.

Legend: B samples; K keypoints; (W, H) heatmap size; keypoints (B, K, 2) as (x, y) in *heatmap*
space; visible (B, K), labeled if >= 0.5; heatmaps (B, K, H, W) float32.

The numbers are those of the released code (Xiao et al., ECCV 2018; Sun et al., CVPR 2019) as
MMPose computes them; on the CPU bit for bit.
"""

import math

import numpy as np
import torch
from torch import Tensor

from hrnet_ext.codecs.gaussian_rows import RADIUS_IN_SIGMAS, gaussian_rows, window


def encode_rounded(
    keypoints: Tensor, visible: Tensor, *, heatmap_size: tuple[int, int], sigma: float
) -> tuple[Tensor, Tensor]:
    """Gaussians centered on the nearest pixel, cut off at three sigma: 0 elsewhere.

    Returns:
        heatmaps (B, K, H, W), and weights (B, K): ``visible``, 0 where the Gaussian is outside.
    """
    center = (keypoints + 0.5).long()
    inside = _touches(*window(center, sigma), heatmap_size)
    table = gaussian_rows(tuple(heatmap_size), sigma, keypoints.device)
    heatmaps = table.draw(center, inside & (visible >= 0.5))
    return heatmaps, _weights(visible, inside)


def encode_unbiased(
    keypoints: Tensor, visible: Tensor, *, heatmap_size: tuple[int, int], sigma: float
) -> tuple[Tensor, Tensor]:
    """Gaussians centered on the keypoint itself, without a cut-off (DARK, Zhang et al., CVPR 2020).

    Returns:
        heatmaps (B, K, H, W), and weights (B, K): ``visible``, 0 where the Gaussian is outside.
    """
    radius = sigma * RADIUS_IN_SIGMAS
    inside = _touches(keypoints - radius, keypoints + radius + 1, heatmap_size)
    drawn = (inside & (visible >= 0.5))[..., None]
    x, y = keypoints.where(drawn, math.inf).unbind(-1)  # infinitely far away: exp(-inf) is 0
    heatmaps = _gaussians(x.flatten(), y.flatten(), heatmap_size, 2 * sigma**2)
    return heatmaps.view(*visible.shape, *heatmaps.shape[1:]), _weights(visible, inside)


def _gaussians(x: Tensor, y: Tensor, size: tuple[int, int], scale: float) -> Tensor:
    """exp(-distance^2 / scale) of pixels to points (N,), as (N, H, W) float32."""
    dx, dy = (_squared_distances(center, length) for center, length in zip((x, y), size))
    if math.frexp(scale)[0] == 0.5:  # a power of two: dividing before the sum changes no bit
        dx, dy, scale = dx / -scale, dy / -scale, None
    heatmaps = dx[:, None, :] + dy[:, :, None]
    if scale is not None:
        heatmaps /= -scale
    if heatmaps.device.type == 'cpu':  # NumPy's exp is the reference's
        np.exp(heatmaps.numpy(), out=heatmaps.numpy())
    else:
        heatmaps.exp_()
    return heatmaps.float()


def _squared_distances(center: Tensor, length: int) -> Tensor:
    """Of centers (N,) on an axis to its ``length`` pixels: (N, length)."""
    pixels = torch.arange(length, dtype=center.dtype, device=center.device)
    return (pixels - center[:, None]).square()


def _touches(first: Tensor, end: Tensor, size: tuple[int, int]) -> Tensor:
    # Sizes stay plain numbers: a tensor of them would have to be copied to the device.
    (x, y), (width, height) = first.unbind(-1), size
    return (x < width) & (y < height) & (end >= 0).all(-1)


def _weights(visible: Tensor, inside: Tensor) -> Tensor:
    """0 for a labeled keypoint whose Gaussian is outside; unlabeled ones keep their value."""
    return visible * (inside | (visible < 0.5))

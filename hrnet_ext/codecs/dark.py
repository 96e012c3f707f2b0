"""DARK: a sub-pixel maximum by one Newton step on the logarithm of the blurred heatmap.

Zhang et al., CVPR 2020, as MMPose computes it. The step needs only the pixels up to two away from
the maximum, so only these are blurred.

Legend: N heatmaps (N, H, W), keypoint (N, 2) of each as (x, y) in heatmap space; P = 5 blurred
pixels on each axis, the keypoint in the middle; S = P + kernel_size - 1 pixels before the blur.
"""

from functools import lru_cache

import cv2
import torch
from torch import Tensor

REACH = 2  # pixels on each side of the maximum that the derivatives need
LOG_FLOOR = 1e-10


def refine_dark(keypoints: Tensor, heatmaps: Tensor, kernel_size: int) -> Tensor:
    """One Newton step on the logarithm of the blurred heatmap.

    Args:
        keypoints: Maxima (B, K, 2); those within two pixels of the border are not moved.
        heatmaps: (B, K, H, W).
        kernel_size: Odd side of the Gaussian blur: 11 for sigma 2, 17 for sigma 3.
    """
    height, width = heatmaps.shape[-2:]
    x, y = keypoints.flatten(0, 1).long().unbind(-1)
    inner = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2)
    near = _blurred_near(heatmaps.flatten(0, 1), x, y, kernel_size)
    step = _newton_step(_restored(near, heatmaps.flatten(0, 1), inner, kernel_size))
    step = step.where(inner[:, None], 0).to(keypoints.dtype)
    return keypoints + step.view_as(keypoints)


def _newton_step(values: Tensor) -> Tensor:
    """The step (N, 2) to the maximum of a parabola through (N, P, P); 0 if it has none."""
    log = values.clamp(min=LOG_FLOOR).log()
    center = log[:, 2, 2]
    dx = (log[:, 2, 3] - log[:, 2, 1]) / 2
    dy = (log[:, 3, 2] - log[:, 1, 2]) / 2
    dxx = (log[:, 2, 4] - 2 * center + log[:, 2, 0]) / 4
    dyy = (log[:, 4, 2] - 2 * center + log[:, 0, 2]) / 4
    dxy = (log[:, 3, 3] - log[:, 1, 3] - log[:, 3, 1] + log[:, 1, 1]) / 4
    determinant = dxx * dyy - dxy.square()
    curved = determinant != 0
    step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1)
    return (step / determinant.where(curved, 1)[:, None]).where(curved[:, None], 0)


def _blurred_near(heatmaps: Tensor, x: Tensor, y: Tensor, kernel_size: int) -> Tensor:
    """Blurred pixels (N, P, P) around each keypoint, in double precision."""
    height, width = heatmaps.shape[-2:]
    reach = REACH + kernel_size // 2
    offsets = torch.arange(-reach, reach + 1, device=x.device)
    columns, rows = x[:, None] + offsets, y[:, None] + offsets
    index = rows.clamp(0, height - 1)[:, :, None] * width + columns.clamp(0, width - 1)[:, None, :]
    source = heatmaps.flatten(1).gather(1, index.flatten(1)).view_as(index).double()
    source *= ((rows >= 0) & (rows < height))[:, :, None]  # outside is 0
    source *= ((columns >= 0) & (columns < width))[:, None, :]
    blur = _blur_matrix(2 * REACH + 1, kernel_size, x.device)
    return blur @ (source @ blur.T)


def _restored(near: Tensor, heatmaps: Tensor, inner: Tensor, kernel_size: int) -> Tensor:
    """``near`` scaled so that the blur keeps the heatmap's maximum, where that has an effect.

    A factor cancels in derivatives of the logarithm, except for values below the logarithm's floor.
    Only these need the whole heatmap blurred. Heatmaps of a person have none; a CPU checks that. On
    a GPU the check would synchronize, which takes longer than blurring all heatmaps.
    """
    low = inner & (near < LOG_FLOOR).flatten(1).any(1)
    if near.device.type != 'cpu':
        return (near * _lost(heatmaps, kernel_size)).where(low[:, None, None], near)
    if not low.any():
        return near
    scaled = near.clone()
    scaled[low] *= _lost(heatmaps[low], kernel_size)
    return scaled


def _lost(heatmaps: Tensor, kernel_size: int) -> Tensor:
    """The maximum over that of the blurred heatmap, (N, 1, 1) in double precision."""
    sides = (_blur_matrix(n, kernel_size, heatmaps.device) for n in heatmaps.shape[-2:])
    rows, columns = (side[:, kernel_size // 2 :][:, : len(side)] for side in sides)
    whole = heatmaps.double()
    blurred = rows @ (whole @ columns.T)
    return whole.amax((-2, -1), keepdim=True) / blurred.amax((-2, -1), keepdim=True)


@lru_cache(maxsize=32)
def _blur_matrix(length: int, kernel_size: int, device: torch.device) -> Tensor:
    """A blur to ``length`` pixels, from these and ``kernel_size // 2`` more at each end."""
    kernel = cv2.getGaussianKernel(kernel_size, 0, cv2.CV_32F)[:, 0]  # sigma from the size
    matrix = torch.zeros(length, length + kernel_size - 1, dtype=torch.float64)
    for offset, weight in enumerate(kernel.tolist()):
        matrix.diagonal(offset).fill_(weight)
    return matrix.to(device)

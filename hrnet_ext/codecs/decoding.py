"""Heatmaps -> keypoints, a whole batch at once, on whatever device they are on.

Legend: B samples; K keypoints; heatmaps (B, K, H, W); keypoints (B, K, 2) as (x, y) in *heatmap*
space; scores (B, K), the heatmap's maximum.
"""

import cv2
import torch
from torch import Tensor

QUARTER = 0.25  # pixel towards the higher neighbour, Newell et al., ECCV 2016
NOWHERE = -1.0  # both coordinates of a keypoint whose heatmap is nowhere positive
LOG_FLOOR = 1e-10


def heatmap_maximum(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """The highest pixel of each heatmap.

    Returns:
        keypoints (B, K, 2), float with whole values, ``NOWHERE`` if nothing is positive; scores.
    """
    width = heatmaps.shape[-1]
    scores, index = heatmaps.flatten(2).max(-1)
    keypoints = torch.stack([index % width, index // width], -1).to(heatmaps.dtype)
    return keypoints.where((scores > 0)[..., None], NOWHERE), scores


def shift_quarter(keypoints: Tensor, heatmaps: Tensor) -> Tensor:
    """Move each maximum a quarter pixel along x and y towards its higher neighbour.

    A maximum in the first two or the last column keeps its x, in such a row its y; MMPose's rule.
    """
    height, width = heatmaps.shape[-2:]
    x, y = keypoints.long().unbind(-1)
    value = _reader(heatmaps, x, y)
    dx = (value(1, 0) - value(-1, 0)) * ((x > 1) & (x < width - 1) & (y > 0))
    dy = (value(0, 1) - value(0, -1)) * ((y > 1) & (y < height - 1) & (x > 0))
    return keypoints + QUARTER * torch.stack([dx, dy], -1).sign()


def refine_dark(keypoints: Tensor, heatmaps: Tensor, kernel_size: int) -> Tensor:
    """One Newton step on the logarithm of the blurred heatmap (DARK, Zhang et al., CVPR 2020).

    Args:
        keypoints: Maxima (B, K, 2); those within two pixels of the border stay.
        heatmaps: (B, K, H, W).
        kernel_size: Odd side of the Gaussian blur: 11 for sigma 2, 17 for sigma 3.
    """
    height, width = heatmaps.shape[-2:]
    x, y = keypoints.long().unbind(-1)
    read = _reader(_blurred(heatmaps, kernel_size), x, y)

    def value(right: int, down: int) -> Tensor:
        return read(right, down).clamp(min=LOG_FLOOR).log()

    dx = (value(1, 0) - value(-1, 0)) / 2
    dy = (value(0, 1) - value(0, -1)) / 2
    dxx = (value(2, 0) - 2 * value(0, 0) + value(-2, 0)) / 4
    dyy = (value(0, 2) - 2 * value(0, 0) + value(0, -2)) / 4
    dxy = (value(1, 1) - value(1, -1) - value(-1, 1) + value(-1, -1)) / 4
    determinant = dxx * dyy - dxy.square()
    inner = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2) & (determinant != 0)
    step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1)
    step = step / determinant.where(inner, 1)[..., None]
    return keypoints + step.where(inner[..., None], 0)


def _reader(heatmaps: Tensor, x: Tensor, y: Tensor):
    """A function that reads every heatmap at its own (x, y) plus an offset, clamped inside."""
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.flatten(2)

    def value(right: int, down: int) -> Tensor:
        column = (x + right).clamp(0, width - 1)
        row = (y + down).clamp(0, height - 1)
        return flat.gather(2, (row * width + column)[..., None])[..., 0]

    return value


def _blurred(heatmaps: Tensor, kernel_size: int) -> Tensor:
    """Blur with zeros outside, then restore each heatmap's maximum."""
    height, width = heatmaps.shape[-2:]
    blurred = heatmaps @ _blur_matrix(width, kernel_size, heatmaps)
    blurred = _blur_matrix(height, kernel_size, heatmaps) @ blurred
    return blurred * (heatmaps.amax((-2, -1), True) / blurred.amax((-2, -1), True))


def _blur_matrix(length: int, kernel_size: int, like: Tensor) -> Tensor:
    """A one-dimensional blur as a banded matrix: two small products beat a convolution."""
    kernel = cv2.getGaussianKernel(kernel_size, 0, cv2.CV_32F)[:, 0]  # sigma from the size
    half = kernel_size // 2
    matrix = torch.zeros(length, length)
    for offset in range(-half, half + 1):
        matrix.diagonal(offset).fill_(float(kernel[half + offset]))
    return matrix.to(like)

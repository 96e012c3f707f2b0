"""Keypoints -> Gaussian heatmaps, for a whole batch, on any device.

Legend: B samples; K keypoints; W, H width and height of a heatmap; keypoints (B, K, 2).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

RADIUS_IN_SIGMAS = 3  # a Gaussian is cut off there, and left out if its window misses the heatmap


@dataclass(frozen=True)
class GaussianRows:
    """All rows of all heatmaps of one size and sigma.

    Attributes:
        rows: (X, S + 1, W) float32: by the center's column and the line, the row of the heatmap.
        lines: (Y + 1, H): by the center's row, the line that each row of the heatmap shows; the
            last entry is empty.
        lowest: The center of the first entry of both tables; it and the last one are empty.
    """

    rows: Tensor
    lines: Tensor
    lowest: int

    def draw(self, center: Tensor, drawn: Tensor) -> Tensor:
        """Heatmaps (B, K, H, W) of centers (B, K, 2), empty where ``drawn`` (B, K) is False."""
        num_columns, num_lines, width = self.rows.shape
        nothing = len(self.lines) - 1
        column, row = (center - self.lowest).unbind(-1)
        row = row.clamp(0, nothing).where(drawn, nothing)
        index = self.lines.index_select(0, row.flatten())
        index += column.clamp(0, num_columns - 1).flatten()[:, None] * num_lines
        heatmaps = self.rows.flatten(0, 1).index_select(0, index.flatten())
        return heatmaps.view(*center.shape[:2], -1, width)


def window(center: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """First pixel of a Gaussian's window, and the one after its last."""
    radius = sigma * RADIUS_IN_SIGMAS
    # both truncated towards zero, as the reference does
    return (center - radius).long(), (center + radius + 1).long()


@lru_cache(maxsize=16)
def gaussian_rows(
    heatmap_size: tuple[int, int], sigma: float, device: torch.device
) -> GaussianRows:
    """The rows for heatmaps of ``heatmap_size`` (w, h); cached, some 100 kB."""
    patch = np.pad(_patch(sigma), (0, 1))
    columns, lines = (_lines(length, sigma, len(patch) - 1) for length in heatmap_size)
    rows = patch[:, columns].transpose(1, 0, 2)
    return GaussianRows(
        rows=torch.from_numpy(np.ascontiguousarray(rows)).to(device),
        lines=torch.from_numpy(lines).to(device),
        lowest=_centers(0, sigma)[0],
    )


def _patch(sigma: float) -> np.ndarray:
    """The Gaussian that all keypoints share: (S, S), 1 in the middle."""
    size = 2 * RADIUS_IN_SIGMAS * sigma + 1
    axis = np.arange(math.ceil(size), dtype=np.float32) - size // 2
    squared = axis[None, :] ** 2 + axis[:, None] ** 2
    return np.exp((-squared / (2 * sigma**2)).astype(np.float32))


def _centers(length: int, sigma: float) -> range:
    """The centers whose Gaussian reaches an axis, and at least one more at each end."""
    reach = math.ceil(RADIUS_IN_SIGMAS * sigma) + 2
    return range(-reach, length + reach)


def _lines(length: int, sigma: float, num_lines: int) -> np.ndarray:
    """The line at each of ``length`` pixels by center; ``num_lines`` is the empty line."""
    first, end = window(torch.tensor(_centers(length, sigma))[:, None], sigma)
    line = torch.arange(length) - first
    shown = (line >= 0) & (line < (end - first).clamp(max=num_lines))
    return line.where(shown, num_lines).numpy()


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

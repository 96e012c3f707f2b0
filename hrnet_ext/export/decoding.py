"""Heatmaps -> keypoints in an exported graph, with operators that every format supports.

Legend: B crops; K keypoints; heatmaps (B, K, H, W) float32; keypoints (B, K, 2) in heatmap space.

No convolution or matrix product after the network affects the coordinates. A backend with half
precision then computes them in fp32, which they need.
"""

from __future__ import annotations

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrnet_ext.codecs.decoding import NOWHERE, shift_quarter

REACH = 2  # pixels around the maximum that DARK's derivatives read
LOG_FLOOR = 1e-10  # the codec's


class Decoder(nn.Module):
    """A codec's ``decode_batch`` as a graph.

    Args:
        codec: :class:`~hrnet_ext.codecs.MSRAHeatmap`, or MMPose's.
    """

    def __init__(self, codec: object) -> None:
        super().__init__()
        self.refine = DarkStep(codec.blur_kernel_size) if codec.unbiased else None
        self.register_buffer('scale', torch.tensor(codec.scale_factor))

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Heatmaps -> keypoints (B, K, 2) in input space, scores (B, K)."""
        maxima, scores = _maximum(heatmaps)
        refine = self.refine or shift_quarter
        return refine(maxima, heatmaps) * self.scale, scores


def _maximum(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """The highest pixel (B, K, 2) of each heatmap, ``NOWHERE`` if no value is positive; scores."""
    width = heatmaps.shape[-1]
    scores, index = heatmaps.flatten(2).max(-1)
    maxima = torch.stack([index % width, index // width], -1).float()
    return maxima.where((scores > 0)[..., None], NOWHERE), scores


class DarkStep(nn.Module):
    """DARK's Newton step (Zhang et al., CVPR 2020), blurring only what it reads.

    Args:
        kernel_size: Odd side of the Gaussian blur.
    """

    def __init__(self, kernel_size: int) -> None:
        super().__init__()
        kernel = torch.tensor(cv2.getGaussianKernel(kernel_size, 0, cv2.CV_32F)[:, 0])
        side = 2 * REACH + 1
        bands = torch.zeros(side, kernel_size + 2 * REACH)
        for offset in range(side):
            bands[offset, offset : offset + kernel_size] = kernel
        self.margin = REACH + kernel_size // 2
        self.register_buffer('kernel', kernel)
        self.register_buffer('bands', bands)
        # a buffer: created in the graph, it would always be on the device used for tracing
        self.register_buffer('reach', torch.arange(2 * self.margin + 1))

    def forward(self, maxima: Tensor, heatmaps: Tensor) -> Tensor:
        """Move maxima (B, K, 2) to the blurred Gaussians' peaks, except near the border."""
        height, width = heatmaps.shape[-2:]
        x, y = maxima.long().unbind(-1)
        near = self._blurred_around(heatmaps, x, y) * self._restored_height(heatmaps)
        near = near.clamp(min=LOG_FLOOR)
        # Divided by the middle value, a factor that cancels: logarithms near 0 are more exact.
        middle = near[..., near.shape[-1] // 2, None]
        value = (near / middle).log().unbind(-1)  # 25 of (B, K), row by row

        def at(right: int, down: int) -> Tensor:
            return value[(REACH + down) * (2 * REACH + 1) + REACH + right]

        dx = (at(1, 0) - at(-1, 0)) / 2
        dy = (at(0, 1) - at(0, -1)) / 2
        dxx = (at(2, 0) - 2 * at(0, 0) + at(-2, 0)) / 4
        dyy = (at(0, 2) - 2 * at(0, 0) + at(0, -2)) / 4
        dxy = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
        determinant = dxx * dyy - dxy * dxy
        inner = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2) & (determinant != 0)
        step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1)
        step = step / determinant.where(inner, torch.ones_like(determinant))[..., None]
        return maxima + step.where(inner[..., None], torch.zeros_like(step))

    def _blurred_around(self, heatmaps: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The blurred heatmaps at (x, y) and two pixels around: (B, K, 25)."""
        height, width = heatmaps.shape[-2:]
        padded_width = width + 2 * self.margin
        padded = F.pad(heatmaps, [self.margin] * 4).flatten(2)
        window = (self.reach[:, None] * padded_width + self.reach).flatten()
        corner = y.clamp(0, height - 1) * padded_width + x.clamp(0, width - 1)
        patch = padded.gather(2, corner[..., None] + window)
        patch = patch.unflatten(2, (len(self.reach), len(self.reach)))
        columns = (patch[..., None, :] * self.bands).sum(-1)
        blurred = (columns[..., None, :, :] * self.bands[..., None]).sum(-2)
        return blurred.flatten(2)

    def _restored_height(self, heatmaps: Tensor) -> Tensor:
        """The factor (B, K, 1) by which blurring lowers each maximum.

        It has an effect only at the logarithm's floor, so its convolutions may run in half
        precision.
        """
        half = len(self.kernel) // 2
        maps = heatmaps.flatten(0, 1)[:, None]
        blurred = F.conv2d(maps, self.kernel.view(1, 1, 1, -1), padding=(0, half))
        blurred = F.conv2d(blurred, self.kernel.view(1, 1, -1, 1), padding=(half, 0))
        highest = blurred.flatten(1).amax(1).view(heatmaps.shape[:2])
        return (heatmaps.flatten(2).amax(2) / highest)[..., None]

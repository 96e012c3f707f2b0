"""The codec of Simple Baselines and HRNet: one Gaussian per keypoint.

Legend: N instances (always 1); B samples; K keypoints; ``input_size`` and ``heatmap_size`` are
(w, h), arrays are (K, H, W). Keypoints are in input space, that is in pixels of the
cropped network input.
"""

import numpy as np
import torch
from mmpose.codecs.base import BaseKeypointCodec
from torch import Tensor

from hrnet_ext.codecs.constants import on_device
from hrnet_ext.codecs.dark import refine_dark
from hrnet_ext.codecs.decoding import heatmap_maximum, shift_quarter
from hrnet_ext.codecs.encoding import encode_rounded, encode_unbiased
from hrnet_ext.registry import KEYPOINT_CODECS

WITHOUT_FLOAT64 = ('mps',)  # kinds of devices


@KEYPOINT_CODECS.register_module()
class MSRAHeatmap(BaseKeypointCodec):
    """Keypoints <-> heatmaps as in Xiao et al., ECCV 2018, and Sun et al., CVPR 2019.

    Args:
        input_size: (w, h) of the network's input.
        heatmap_size: (w, h) of its output; a quarter of the input for HRNet.
        sigma: Standard deviation of the Gaussian in heatmap pixels; 2 at 256x192, 3 at 384x288.
        unbiased: Encode and decode without rounding to pixels (DARK, Zhang et al., CVPR 2020).
        blur_kernel_size: Odd side of DARK's blur: 11 for sigma 2, 17 for sigma 3.

    Raises:
        ValueError: If a size, ``sigma`` or ``blur_kernel_size`` is not positive, or the kernel
            is even.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float,
        unbiased: bool = False,
        blur_kernel_size: int = 11,
    ) -> None:
        super().__init__()
        for name, size in (('input_size', input_size), ('heatmap_size', heatmap_size)):
            if len(size) != 2 or min(size) < 1:
                raise ValueError(f'{name} must be two positive numbers (w, h), got {size!r}')
        if not sigma > 0:
            raise ValueError(f'sigma must be positive, got {sigma!r}')
        if blur_kernel_size < 1 or blur_kernel_size % 2 == 0:
            raise ValueError(f'blur_kernel_size must be odd and positive, got {blur_kernel_size!r}')
        self.input_size = tuple(input_size)
        self.heatmap_size = tuple(heatmap_size)
        self.sigma = sigma
        self.unbiased = unbiased
        self.blur_kernel_size = blur_kernel_size
        self.scale_factor = (np.array(input_size) / heatmap_size).astype(np.float32)

    def encode(self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None) -> dict:
        """One instance in a pipeline (``GenerateTarget``).

        Args:
            keypoints: (1, K, 2) in input space.
            keypoints_visible: (1, K), labeled if >= 0.5; ``None`` means all are.

        Returns:
            ``heatmaps`` (K, H, W) float32 and ``keypoint_weights`` (1, K).
        """
        assert len(keypoints) == 1, (
            f'{type(self).__name__} only support single-instance keypoint encoding, '
            f'got {len(keypoints)} instances'
        )
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], dtype=np.float32)
        heatmaps, weights = self.encode_batch(
            torch.from_numpy(keypoints), torch.from_numpy(keypoints_visible)
        )
        return {'heatmaps': heatmaps[0].numpy(), 'keypoint_weights': weights.numpy()}

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Heatmaps (K, H, W) -> keypoints (1, K, 2) in input space and scores (1, K)."""
        keypoints, scores = self.decode_batch(torch.from_numpy(encoded)[None])
        return keypoints.numpy(), scores.numpy()

    def encode_batch(self, keypoints: Tensor, keypoints_visible: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch on its device.

        Args:
            keypoints: (B, K, 2) in input space.
            keypoints_visible: (B, K), labeled if >= 0.5.

        Returns:
            heatmaps (B, K, H, W) float32; weights (B, K): the visibility, 0 for a labeled keypoint
            too far outside for its Gaussian to reach the heatmap.
        """
        encode = encode_unbiased if self.unbiased else encode_rounded
        return encode(
            keypoints / self._scale(keypoints.device),
            keypoints_visible,
            heatmap_size=self.heatmap_size,
            sigma=self.sigma,
        )

    def decode_batch(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Decode a batch on its device; half precision is converted to float32.

        DARK computes in float64. On devices without it (Apple's MPS, not tried) it decodes on the
        CPU.

        Args:
            heatmaps: (B, K, H, W).

        Returns:
            keypoints (B, K, 2) in input space; scores (B, K), the maxima. A heatmap without
            positive values gives a keypoint one heatmap pixel outside the top left corner.
        """
        with torch.autocast(heatmaps.device.type, enabled=False):
            heatmaps = heatmaps.detach().float()
            if self.unbiased and heatmaps.device.type in WITHOUT_FLOAT64:
                heatmaps = heatmaps.cpu()
            keypoints, scores = heatmap_maximum(heatmaps)
            if self.unbiased:
                keypoints = refine_dark(keypoints, heatmaps, self.blur_kernel_size)
            else:
                keypoints = shift_quarter(keypoints, heatmaps)
            return keypoints * self._scale(keypoints.device), scores

    def _scale(self, device: torch.device) -> Tensor:
        """Input pixels per heatmap pixel, (x, y); copied to the device once."""
        return on_device(tuple(self.scale_factor.tolist()), torch.float32, device)

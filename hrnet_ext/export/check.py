"""Compare an exported file, run by its backend, with the model that it was exported from.

The model runs through MMPose's ``test_step``, which uses no code of the export. If rounding-level
noise changes PyTorch's own prediction, the keypoint is ambiguous: it is counted but not compared.
Examples are two equally high pixels, and a quarter offset between two equal neighbors.

Legend: B crops (B, H, W, 3) uint8 BGR; K keypoints; keypoints (B, K, 2) in input space.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from hrnet_ext.export.metadata import Metadata
from hrnet_ext.export.runtime import PoseSession

# Side of the squares, in pixels, in which noise is equal: errors of coarse, upsampled branches are
# equal in squares, too. In flat random heatmaps eight trials do not find all ambiguous keypoints.
NOISE_SIDES = (1, 2, 4, 8) * 4


class Tolerance(NamedTuple):
    """Allowed differences of a format.

    Args:
        heatmaps: Rounding error over a heatmap's largest absolute value.
        pixels: Allowed distance of a keypoint, in input pixels.
        share: Share of keypoints that may have a larger distance.
    """

    heatmaps: float
    pixels: float
    share: float = 0.0


TOLERANCES = {
    'fp32': Tolerance(5e-6, 1e-3),
    'half': Tolerance(0.02, 1.0, 0.02),
    'int8': Tolerance(0.1, 4.0, 0.05),
}


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison.

    Args:
        distances: Distance of each compared keypoint, in input pixels.
        ties: Number of ambiguous keypoints, which are not compared.
        scores: The largest difference of scores, over the heatmap's largest absolute value.
        tolerance: The allowed differences.
    """

    distances: np.ndarray
    ties: int
    scores: float
    tolerance: Tolerance

    @property
    def is_equal(self) -> bool:
        """Whether file and model agree within the tolerance."""
        return (
            bool(np.isfinite(self.distances).all())
            and self.far <= self.tolerance.share * len(self.distances)
            and self.scores <= 10 * self.tolerance.heatmaps
        )

    @property
    def far(self) -> int:
        """Number of keypoints with a larger distance than allowed."""
        return int((self.distances > self.tolerance.pixels).sum())

    def __str__(self) -> str:
        distances = self.distances if len(self.distances) else np.zeros(1)
        return (
            f'largest difference {distances.max():.2g} input pixels (median '
            f'{np.median(distances):.2g}) over {len(self.distances)} keypoints, of '
            f'scores {self.scores:.2g}; {self.far} differ by more than {self.tolerance.pixels:g}; '
            f'{self.ties} ties not counted'
        )


def compare(session: PoseSession, model: nn.Module, crops: np.ndarray) -> Comparison:
    """Compare the predictions of a file and a model for crops.

    Args:
        session: The file in its backend.
        model: The model it was exported from.
        crops: (B, H, W, 3) uint8 BGR; they go through the session as batches of 1, 2 and the rest.
    """
    wanted = Reference.of(model, session.metadata, crops)
    tolerance = TOLERANCES[session.metadata.precision]
    parts = [session.estimate(part) for part in np.split(crops, [1, 3]) if len(part)]
    keypoints, scores = (np.concatenate(found) for found in zip(*parts))
    return wanted.compare(keypoints, scores, tolerance)


@dataclass(frozen=True)
class Reference:
    """PyTorch's predictions.

    Args:
        keypoints: (B, K, 2) in input space.
        scores: (B, K).
        heatmaps: (B, K, h, w).
        head: The head, which decodes heatmaps.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    heatmaps: Tensor
    head: nn.Module

    @classmethod
    @torch.no_grad()
    def of(cls, model: nn.Module, metadata: Metadata, crops: np.ndarray) -> Reference:
        """A model's predictions for crops, with flip test if the file has one."""
        tested = copy.copy(model)  # with the same weights, and a test_cfg of its own
        tested.test_cfg = {
            **model.test_cfg,
            'flip_test': metadata.flip_test,
            'output_heatmaps': True,
        }
        samples = tested.test_step(
            {
                'inputs': [torch.from_numpy(crop).permute(2, 0, 1) for crop in crops],
                'data_samples': [_sample(metadata) for _ in crops],
            }
        )
        return cls(
            np.concatenate([sample.pred_instances.keypoints for sample in samples]),
            np.concatenate([sample.pred_instances.keypoint_scores for sample in samples]),
            torch.stack([sample.pred_fields.heatmaps for sample in samples]).float(),
            model.head,
        )

    def compare(
        self, keypoints: np.ndarray, scores: np.ndarray, tolerance: Tolerance
    ) -> Comparison:
        """Compare a file's keypoints (B, K, 2) and scores (B, K) with these."""
        ties = self.ambiguous(tolerance) | self.as_high(keypoints, tolerance)
        height = self.heatmaps.abs().amax((-2, -1)).clamp(min=1e-12).numpy()
        distances = np.abs(keypoints - self.keypoints).max(-1)
        off = np.abs(scores - self.scores) / height
        return Comparison(distances[~ties], int(ties.sum()), float(off.max()), tolerance)

    def as_high(self, keypoints: np.ndarray, tolerance: Tolerance) -> np.ndarray:
        """Which keypoints (B, K) are at another pixel that is as high as the maximum, bool.

        In flat heatmaps, such as those of a network that is hardly trained, the noise of
        :meth:`ambiguous` does not find all of them.
        """
        found, own = self._pixels(keypoints), self._pixels(self.keypoints)
        flat = self.heatmaps.flatten(2).numpy()
        values = np.take_along_axis(flat, found[..., None], -1)[..., 0]
        margin = 2 * tolerance.heatmaps * np.abs(flat).max(-1)
        return (found != own) & (values >= flat.max(-1) - margin)

    def _pixels(self, keypoints: np.ndarray) -> np.ndarray:
        """Index (B, K) of the heatmap pixel that is nearest to keypoints (B, K, 2)."""
        height, width = self.heatmaps.shape[-2:]
        codec = self.head.decoder
        places = np.asarray(keypoints) / np.divide(codec.input_size, codec.heatmap_size)
        x, y = np.moveaxis(np.nan_to_num(np.rint(places)).astype(int), -1, 0)
        return y.clip(0, height - 1) * width + x.clip(0, width - 1)

    def ambiguous(self, tolerance: Tolerance) -> np.ndarray:
        """Which keypoints (B, K), bool, change if a little noise is added to the heatmaps.

        All crops get the same noise, so the result of a crop does not depend on its batch.
        """
        generator = torch.Generator().manual_seed(0)
        height = self.heatmaps.abs().amax((-2, -1), keepdim=True)
        changes = np.zeros(self.keypoints.shape[:2], bool)
        for side in NOISE_SIDES:
            noise = _noise(self.heatmaps.shape[1:], side, generator)
            noisy = self.heatmaps + noise * height * tolerance.heatmaps
            found = np.concatenate([pose.keypoints for pose in self.head.decode(noisy)])
            changes |= np.abs(found - self.keypoints).max(-1) > tolerance.pixels
        return changes


def _noise(shape: Sequence[int], side: int, generator: torch.Generator) -> Tensor:
    """Noise (K, h, w) in -1 to 1, the same within squares of ``side`` pixels."""
    num_keypoints, height, width = shape
    coarse = torch.rand(num_keypoints, -(-height // side), -(-width // side), generator=generator)
    fine = coarse.repeat_interleave(side, -2).repeat_interleave(side, -1)
    return fine[..., :height, :width] * 2 - 1


def _sample(metadata: Metadata) -> PoseDataSample:
    """A crop that is its own image: image space is input space."""
    size = np.array(metadata.input_size, np.float32)
    facts = {
        'input_size': metadata.input_size,
        'input_center': size / 2,
        'input_scale': size,
        'flip_indices': metadata.keypoints.flip_indices,
    }
    sample = PoseDataSample(metainfo=facts)
    sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
    return sample

"""The poses predicted for one image: their scores, and the suppression of duplicates.

N: persons; K: keypoints. Keypoints are (x, y) in image space, pixels; areas in square pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from hrnet_ext.evaluation.oks import oks_nms, soft_oks_nms

SCORE_MODES = ('bbox', 'bbox_keypoint', 'bbox_rle', 'keypoint')
NMS_MODES = ('oks_nms', 'soft_oks_nms', 'none')


@dataclass(frozen=True)
class Poses:
    """Persons predicted in one image; the arrays keep their dtype.

    Attributes:
        keypoints: (N, K, 2), image space.
        keypoint_scores: (N, K).
        box_scores: (N,) the detector's scores; 1 for ground-truth boxes.
        areas: (N,) square pixels, of the padded boxes that the crops were taken from.

    Raises:
        ValueError: If the shapes do not agree.
    """

    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    box_scores: np.ndarray
    areas: np.ndarray

    def __post_init__(self) -> None:
        shape = np.shape(self.keypoints)
        if len(shape) != 3 or shape[2] != 2:
            raise ValueError(f'keypoints should be (N, K, 2), but are {shape}')
        expected = {'keypoint_scores': shape[:2], 'box_scores': shape[:1], 'areas': shape[:1]}
        for name, wanted in expected.items():
            found = np.shape(getattr(self, name))
            if found != wanted:
                raise ValueError(
                    f'{name} should be {wanted} for keypoints {shape}, but are {found}'
                )

    def __len__(self) -> int:
        return len(self.keypoints)

    def are_finite(self) -> np.ndarray:
        """(N,) bool: whether all numbers of a pose are finite."""
        arrays = [np.isfinite(getattr(self, field.name)) for field in fields(self)]
        return np.all([array.all(axis=tuple(range(1, array.ndim))) for array in arrays], axis=0)

    def select(self, indices: Sequence[int] | np.ndarray) -> Poses:
        """The poses at ``indices``, in that order, or those that a mask selects."""
        chosen = np.asarray(indices)
        chosen = chosen if chosen.size else chosen.astype(int)
        return Poses(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: Sequence[Poses]) -> Poses:
        """The poses of all ``parts`` (at least one, same K), in order."""
        columns = ([getattr(part, field.name) for part in parts] for field in fields(cls))
        return cls(*(np.concatenate(column) for column in columns))


def pose_scores(poses: Poses, mode: str = 'bbox_keypoint', threshold: float = 0.2) -> np.ndarray:
    """Scores (N,) of whole poses, as MMPose's ``CocoMetric`` computes them.

    Args:
        poses: The people of one image.
        mode: 'bbox': the box's score; 'bbox_keypoint': times the mean score of the keypoints above
            ``threshold`` (0 if there are none), as in the official HRNet; 'bbox_rle': plus the
            mean and the highest keypoint score; 'keypoint': the mean of all keypoint scores.
        threshold: Keypoints must score higher to count in 'bbox_keypoint'.

    Raises:
        ValueError: If ``mode`` is unknown.
    """
    check_mode('score_mode', mode, SCORE_MODES)
    if mode == 'bbox' or not len(poses):
        return poses.box_scores
    if mode == 'keypoint':
        return poses.keypoint_scores.mean(axis=1)
    if mode == 'bbox_rle':
        means, highest = poses.keypoint_scores.mean(axis=1), poses.keypoint_scores.max(axis=1)
        return poses.box_scores + means + highest
    counted = poses.keypoint_scores > threshold
    # Summed one by one and in their own dtype, so that equal poses tie as they do in MMPose.
    sums = np.where(counted, poses.keypoint_scores, 0).cumsum(axis=1)[:, -1]
    numbers = np.maximum(counted.sum(axis=1), 1).astype(sums.dtype)
    return poses.box_scores * (sums / numbers)


def suppress(
    poses: Poses,
    scores: np.ndarray,
    mode: str = 'oks_nms',
    threshold: float = 0.9,
    *,
    sigmas: np.ndarray,
) -> np.ndarray:
    """Indices of the kept poses: best first; with 'none' all of them in their order.

    Args:
        poses: The people of one image.
        scores: (N,) of whole poses.
        mode: 'oks_nms' drops poses too similar to a better one; 'soft_oks_nms' selects 20 poses one
            by one and lowers the scores of poses similar to them; 'none' drops none.
            Of equal scores the last one comes first, see :mod:`hrnet_ext.evaluation.oks`.
        threshold: Largest OKS of two kept poses ('oks_nms'), width of the decay ('soft_oks_nms').
        sigmas: (K,) of OKS.

    Raises:
        ValueError: If ``mode`` is unknown, a number is not finite, or shapes do not agree.
    """
    check_mode('nms_mode', mode, NMS_MODES)
    if mode == 'none':
        return np.arange(len(poses))
    nms = oks_nms if mode == 'oks_nms' else soft_oks_nms
    return nms(poses.keypoints, scores, poses.areas, threshold, sigmas)


def check_mode(argument: str, mode: str, allowed: tuple[str, ...]) -> None:
    """Check that ``mode``, the value of ``argument``, is one of ``allowed``.

    Raises:
        ValueError: If it is not.
    """
    if mode not in allowed:
        raise ValueError(f'`{argument}` should be one of {", ".join(allowed)}, but is {mode!r}')

"""The poses of one frame: the input and the output of a tracker, and its checks.

N: number of persons; K: number of keypoints. Coordinates are in image space, pixels; a box is
(x1, y1, x2, y2); scores are in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hrnet_ext.formats.box_arrays import box_arrays, refuse_not_finite

PROPAGATED = -1  # source of a pose whose box was not detected


@dataclass(frozen=True)
class PoseEstimates:
    """Poses of one frame before they are tracked.

    Args:
        keypoints: (N, K, 2).
        keypoint_scores: (N, K); 0 for an absent keypoint.
        boxes: (N, 4), or None for the boxes around the keypoints.
        box_scores: (N,), or None for 1 each.
    """

    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    boxes: np.ndarray | None = None
    box_scores: np.ndarray | None = None


@dataclass(frozen=True)
class TrackedPoses:
    """Poses of one frame, each with the id of its track.

    Attributes:
        track_ids: (N,) int64, from 0; no two are equal.
        keypoints: (N, K, 2).
        keypoint_scores: (N, K).
        present: (N, K) bool, whether the score of a keypoint is high enough; ignore the others.
        boxes: (N, 4), the boxes that the poses were estimated from.
        box_scores: (N,).
        sources: (N,) int64, the index of each box (or pose) in the input for the frame;
            ``PROPAGATED`` for a box from the previous frame.
    """

    track_ids: np.ndarray
    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    present: np.ndarray
    boxes: np.ndarray
    box_scores: np.ndarray
    sources: np.ndarray

    def __len__(self) -> int:
        return len(self.track_ids)

    def select(self, kept: np.ndarray) -> TrackedPoses:
        """The persons selected by ``kept``, indices or a mask (N,)."""
        return replace(self, **{name: value[kept] for name, value in vars(self).items()})

    def copy(self) -> TrackedPoses:
        """A copy with new arrays."""
        return self.select(np.arange(len(self)))

    def pose_scores(self) -> np.ndarray:
        """Box score times the mean score of the present keypoints, (N,)."""
        total = np.where(self.present, self.keypoint_scores, 0).sum(axis=1)
        return self.box_scores * total / np.maximum(self.present.sum(axis=1), 1)


def checked_estimates(
    keypoints: Any, scores: Any, num_keypoints: int, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (N, K, 2) and their scores (N, K) as float64.

    Raises:
        ValueError: If shapes or values are invalid; the message begins with ``where``.
    """
    keypoints, scores = np.asarray(keypoints, np.float64), np.asarray(scores, np.float64)
    if not keypoints.size and not scores.size:
        return np.zeros((0, num_keypoints, 2)), np.zeros((0, num_keypoints))
    if keypoints.shape != (len(keypoints), num_keypoints, 2):
        raise ValueError(
            f'{where}: keypoints should be (N, {num_keypoints}, 2) for {num_keypoints} sigmas, '
            f'but are {keypoints.shape}'
        )
    if scores.shape != keypoints.shape[:2]:
        raise ValueError(
            f'{where}: keypoint_scores should be {keypoints.shape[:2]}, one per keypoint, '
            f'but are {scores.shape}'
        )
    refuse_not_finite(keypoints, 'keypoints', f'{where}, pose')
    refuse_not_finite(scores, 'keypoint_scores', f'{where}, pose')
    return keypoints, scores


def checked_poses(
    poses: PoseEstimates, num_keypoints: int, where: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:
    """Keypoints (N, K, 2), their scores (N, K), boxes (N, 4) or None, and box scores (N,).

    Raises:
        ValueError: If something is invalid; the message begins with ``where``.
    """
    keypoints, scores = checked_estimates(
        poses.keypoints, poses.keypoint_scores, num_keypoints, where
    )
    boxes, box_scores = poses.boxes, poses.box_scores
    if boxes is not None:
        boxes = box_arrays(boxes, where).corners
    box_scores = np.ones(len(keypoints)) if box_scores is None else np.asarray(box_scores, float)
    for name, values in (('boxes', boxes), ('box_scores', box_scores)):
        if values is not None and len(values) != len(keypoints):
            raise ValueError(f'{where}: there are {len(keypoints)} poses, but {len(values)} {name}')
    refuse_not_finite(box_scores, 'box_scores', f'{where}, pose')
    return keypoints, scores, boxes, box_scores

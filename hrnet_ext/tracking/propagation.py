"""Boxes for the pose network: detected, and propagated by the flow from the previous frame.

N: number of boxes, (x1, y1, x2, y2) in image space, pixels.
"""

from typing import NamedTuple

import numpy as np

from hrnet_ext.tracking.boxes import box_areas, box_nms, boxes_around, clip_boxes
from hrnet_ext.tracking.poses import PROPAGATED, TrackedPoses


class Candidates(NamedTuple):
    """Boxes (N, 4), their scores (N,), and their indices in the input boxes (N,)."""

    boxes: np.ndarray
    scores: np.ndarray
    sources: np.ndarray

    def select(self, kept: np.ndarray) -> 'Candidates':
        """The boxes selected by ``kept``, indices or a mask (N,)."""
        return Candidates(*(values[kept] for values in self))

    def within(self, size: tuple[int, int]) -> 'Candidates':
        """The boxes clipped to a frame of ``size`` (w, h); boxes outside are dropped."""
        clipped = self._replace(boxes=clip_boxes(self.boxes, size))
        return clipped.select(box_areas(clipped.boxes) > 0)


def detected(boxes: np.ndarray, scores: np.ndarray) -> Candidates:
    """The detector's boxes (N, 4) with scores (N,)."""
    return Candidates(boxes, scores, np.arange(len(boxes)))


def propagated(poses_now: TrackedPoses, decay: float) -> Candidates:
    """Boxes around the previous frame's poses, with keypoints moved to the current frame.

    Extended by 15 % as in Xiao et al. (2018). The paper does not define their scores; here it is
    the score of the pose's box times ``decay``.
    """
    poses = poses_now.select(poses_now.present.any(axis=1))
    boxes = boxes_around(poses.keypoints, poses.present)
    return Candidates(boxes, poses.box_scores * decay, np.full(len(boxes), PROPAGATED))


def unify(candidates: list[Candidates], *, threshold: float, iou: float) -> Candidates:
    """All boxes with a score of at least ``threshold``, except those that overlap a better one.

    Of equal scores the first one is better: list detected boxes first.

    Args:
        candidates: In order of preference.
        threshold: Minimum score.
        iou: Largest IoU of two kept boxes.
    """
    every = Candidates(*map(np.concatenate, zip(*candidates)))
    every = every.select(every.scores >= threshold)
    return every.select(box_nms(every.boxes, every.scores, iou))

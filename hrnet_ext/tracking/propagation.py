"""Boxes for the pose network: the detector's, and those the flow brings from the frame before.

N: number of boxes, (x1, y1, x2, y2) in image space, pixels.
"""

from typing import NamedTuple

import numpy as np

from hrnet_ext.tracking.boxes import box_areas, box_nms, boxes_around, clip_boxes
from hrnet_ext.tracking.poses import PROPAGATED, TrackedPoses


class Candidates(NamedTuple):
    """Boxes (N, 4), their scores (N,), and which of the given boxes (N,) each is."""

    boxes: np.ndarray
    scores: np.ndarray
    sources: np.ndarray

    def select(self, kept: np.ndarray) -> 'Candidates':
        """Those that ``kept``, indices or a mask (N,), names."""
        return Candidates(*(values[kept] for values in self))

    def within(self, size: tuple[int, int]) -> 'Candidates':
        """What of the boxes lies in a frame of ``size`` (w, h), where anything does."""
        clipped = self._replace(boxes=clip_boxes(self.boxes, size))
        return clipped.select(box_areas(clipped.boxes) > 0)


def detected(boxes: np.ndarray, scores: np.ndarray) -> Candidates:
    """The detector's boxes (N, 4) with scores (N,)."""
    return Candidates(boxes, scores, np.arange(len(boxes)))


def propagated(poses_now: TrackedPoses, decay: float) -> Candidates:
    """Boxes around the previous frame's poses, their keypoints moved to the current one.

    Widened by 15 % as in Xiao et al. (2018). The paper gives them no score; here it is that of the
    pose's own box times ``decay``.
    """
    poses = poses_now.select(poses_now.present.any(axis=1))
    boxes = boxes_around(poses.keypoints, poses.present)
    return Candidates(boxes, poses.box_scores * decay, np.full(len(boxes), PROPAGATED))


def unify(candidates: list[Candidates], *, threshold: float, iou: float) -> Candidates:
    """All boxes that score at least ``threshold``, without those that overlap a better one.

    Of equal scores the first listed is better: list the detector's first.

    Args:
        candidates: In order of preference.
        threshold: Least score.
        iou: Largest IoU of two kept boxes.
    """
    every = Candidates(*map(np.concatenate, zip(*candidates)))
    every = every.select(every.scores >= threshold)
    return every.select(box_nms(every.boxes, every.scores, iou))

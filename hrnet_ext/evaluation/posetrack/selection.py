"""Selection and ranking of the predicted persons and keypoints that are evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hrnet_ext.evaluation.poses import (
    NMS_MODES,
    SCORE_MODES,
    Poses,
    check_mode,
    pose_scores,
    suppress,
)
from hrnet_ext.evaluation.posetrack.files import people_records
from hrnet_ext.formats.posetrack.frames import People


def inside(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether points lie strictly inside a polygon, by the even-odd rule.

    A point on the outline is outside, as in Shapely's ``Polygon.contains``, which poseval uses.

    Args:
        polygon: (V, 2) corners; the last one connects to the first.
        points: (N, 2).

    Returns:
        (N,) bool.
    """
    result = np.zeros(len(points), bool)
    if not len(polygon):
        return result
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    near = np.flatnonzero(((low < points) & (points < high)).all(axis=1))
    result[near] = _inside(polygon, points[near])
    return result


def _inside(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """:func:`inside` for points (N, 2) within the bounding box of the polygon."""
    start, end = polygon[None], np.roll(polygon, -1, axis=0)[None]
    point = points[:, None]
    edge, offset = end - start, point - start
    side = edge[..., 0] * offset[..., 1] - edge[..., 1] * offset[..., 0]
    within = (np.minimum(start, end) <= point) & (point <= np.maximum(start, end))
    on_outline = ((side == 0) & within.all(axis=2)).any(axis=1)
    # A ray to the right crosses an upward edge if the point is on its left, and a downward edge if
    # the point is on its right. Only the lower end belongs to an edge, so a corner counts once.
    up = (start[..., 1] <= point[..., 1]) & (end[..., 1] > point[..., 1]) & (side > 0)
    down = (end[..., 1] <= point[..., 1]) & (start[..., 1] > point[..., 1]) & (side < 0)
    return ((up | down).sum(axis=1) % 2 == 1) & ~on_outline


def without_ignored(people: People, regions: Sequence[np.ndarray]) -> People:
    """Remove keypoints inside ``regions``, then persons without any keypoint.

    In a frame without regions all persons stay, also those without keypoints, as in poseval.

    Args:
        people: Annotated or predicted persons of a frame.
        regions: Polygons of the frame, (V, 2), pixels.
    """
    if not len(regions):
        return people
    ignored = np.zeros(people.present.shape, bool)
    for polygon in regions:
        ignored[people.present] |= inside(polygon, people.keypoints[people.present])
    present = people.present & ~ignored
    return replace(people, present=present).select(present.any(axis=1))


@dataclass(frozen=True)
class Selection:
    """Settings that turn predicted poses into submitted ones.

    Attributes:
        score_mode: How whole poses are ranked for the suppression, see
            :func:`~hrnet_ext.evaluation.poses.pose_scores`.
        keypoint_score_thr: Keypoints must score higher to count in this ranking.
        nms_mode: How poses suppress each other, see :func:`~hrnet_ext.evaluation.poses.suppress`.
        nms_thr: Largest OKS of two poses that are kept.
        rescore: Whether keypoint scores are multiplied by the box score for AP.
        min_box_score: Boxes with lower scores are dropped; None keeps all.
        min_keypoint_score: Keypoints with lower scores are dropped; None keeps all.

    Raises:
        ValueError: If a mode is unknown.
    """

    score_mode: str = 'bbox_keypoint'
    keypoint_score_thr: float = 0.2
    nms_mode: str = 'oks_nms'
    nms_thr: float = 0.9
    rescore: bool = False
    min_box_score: float | None = None
    min_keypoint_score: float | None = None

    def __post_init__(self) -> None:
        check_mode('score_mode', self.score_mode, SCORE_MODES)
        check_mode('nms_mode', self.nms_mode, NMS_MODES)

    def records(
        self,
        image_id: int,
        poses: Poses,
        track_ids: Sequence[int] | None,
        sigmas: np.ndarray,
    ) -> list[dict[str, Any]]:
        """The selected persons as entries of ``annotations`` in PoseTrack18's format.

        They keep the order of :func:`~.poses.suppress`, which breaks ties in the evaluation:
        between poses with the same number of correct keypoints.

        Args:
            image_id: Id of the image.
            poses: N persons.
            track_ids: N, or None.
            sigmas: (K,) of OKS.
        """
        if self.min_box_score is not None:
            strong = np.flatnonzero(poses.box_scores >= self.min_box_score)
            poses, track_ids = poses.select(strong), _at(track_ids, strong)
        scores = pose_scores(poses, self.score_mode, self.keypoint_score_thr)
        kept = suppress(poses, scores, self.nms_mode, self.nms_thr, sigmas=sigmas)
        return people_records(
            image_id,
            poses.select(kept),
            np.asarray(scores)[kept],
            _at(track_ids, kept),
            min_keypoint_score=self.min_keypoint_score,
            rescore=self.rescore,
        )


def _at(values: Sequence[int] | None, indices: np.ndarray) -> np.ndarray | None:
    return None if values is None else np.asarray(values, np.int64)[indices]

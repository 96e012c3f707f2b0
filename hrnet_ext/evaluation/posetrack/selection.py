"""Which of an image's predicted people and keypoints are evaluated, and how they rank."""

from collections.abc import Sequence
from dataclasses import dataclass
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
from hrnet_ext.evaluation.posetrack.predictions import people_records


@dataclass(frozen=True)
class Selection:
    """From poses to what is submitted of them.

    Attributes:
        score_mode: How whole poses rank in the suppression, see
            :func:`~hrnet_ext.evaluation.poses.pose_scores`.
        keypoint_score_thr: Keypoints must score higher to count in that.
        nms_mode: How poses suppress each other, see :func:`~hrnet_ext.evaluation.poses.suppress`.
        nms_thr: Largest OKS of two poses that are kept.
        rescore: Whether a keypoint's score is multiplied by its box's before it ranks in AP.
        min_box_score: Boxes that score less are left out; None leaves out nothing.
        min_keypoint_score: Keypoints that score less are left out, likewise.

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
        """The selected people as entries of ``annotations`` in PoseTrack18's format.

        They come in the order of :func:`~.poses.suppress`, which decides between poses that
        have as many keypoints right.

        Args:
            image_id: The image's.
            poses: N people.
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

"""Similarity between the poses of a past frame and those of the current frame.

M: number of past poses; N: number of current ones; K: number of keypoints; image space, pixels.
"""

from collections.abc import Callable

import numpy as np

from hrnet_ext.evaluation.oks import oks
from hrnet_ext.tracking.boxes import box_iou, padded_areas
from hrnet_ext.tracking.poses import TrackedPoses
from hrnet_ext.tracking.track_queue import PastFrame

FAR = 1e7  # pixels; at this distance two keypoints add 0 to an OKS
LEAST_AREA = 1.0  # square pixels: avoids a division by zero for boxes without area

Similarity = Callable[[PastFrame, TrackedPoses, np.ndarray], np.ndarray]


def pose_similarity(past: TrackedPoses, current: TrackedPoses, sigmas: np.ndarray) -> np.ndarray:
    """OKS (M, N) over the keypoints present in both poses; 0 if they have none in common.

    The area of a pose is that of its box, see ``padded_areas``; of a pair, the mean of the two.

    Args:
        past: M poses.
        current: N poses.
        sigmas: (K,), COCO's per-keypoint constants.
    """
    over_all = oks(
        np.where(past.present[..., None], past.keypoints, -FAR),
        np.where(current.present[..., None], current.keypoints, FAR),
        areas=np.maximum(padded_areas(past.boxes), LEAST_AREA),
        other_areas=np.maximum(padded_areas(current.boxes), LEAST_AREA),
        sigmas=sigmas,
    )
    num_common = past.present.astype(np.float64) @ current.present.T.astype(np.float64)
    return over_all * len(sigmas) / np.maximum(num_common, 1)


def _by_flow(past: PastFrame, current: TrackedPoses, sigmas: np.ndarray) -> np.ndarray:
    return pose_similarity(past.poses_now(), current, sigmas)


def _by_pose(past: PastFrame, current: TrackedPoses, sigmas: np.ndarray) -> np.ndarray:
    return pose_similarity(past.seen, current, sigmas)


def _by_box(past: PastFrame, current: TrackedPoses, sigmas: np.ndarray) -> np.ndarray:
    return box_iou(past.seen.boxes, current.boxes)


# S_Flow (with a queue of several frames S_Multi-flow), S_Pose and S_Bbox of Xiao et al. (2018).
SIMILARITIES: dict[str, Similarity] = {'flow': _by_flow, 'pose': _by_pose, 'box': _by_box}

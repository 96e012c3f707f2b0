"""Validation of a tracker's input for a frame."""

from typing import Any

import numpy as np

from hrnet_ext.formats.box_arrays import box_arrays, refuse_not_finite
from hrnet_ext.tracking.poses import PoseEstimates


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

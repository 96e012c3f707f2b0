"""Predicted poses in PoseTrack18's format.

N: persons of an image; K: keypoints, in image space, pixels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hrnet_ext.evaluation.poses import Poses

FORMAT = 'hrnet_ext.posetrack18_predictions'


def people_records(
    image_id: int,
    poses: Poses,
    scores: np.ndarray,
    track_ids: Sequence[int] | None = None,
    *,
    min_keypoint_score: float | None = None,
    rescore: bool = False,
) -> list[dict[str, Any]]:
    """The entries of ``annotations`` for the predicted persons of an image.

    Args:
        image_id: Id of the image.
        poses: N persons.
        scores: (N,) of whole poses.
        track_ids: N, or None.
        min_keypoint_score: Keypoints with lower scores are written as 0, 0, 0; persons without any
            other keypoint are dropped. None keeps all.
        rescore: Whether to multiply keypoint scores by the box's score.
    """
    least = -np.inf if min_keypoint_score is None else min_keypoint_score
    kept = poses.keypoint_scores >= least
    ranks = poses.keypoint_scores * (poses.box_scores[:, None] if rescore else 1)
    triples = np.dstack([poses.keypoints, poses.keypoint_scores])
    columns = {
        'keypoints': np.where(kept[..., None], triples, 0).reshape(len(poses), 3 * kept.shape[1]),
        'scores': np.where(kept, ranks, 0),
        'score': scores,
    }
    if track_ids is not None:
        columns['track_id'] = np.asarray(track_ids)
    return [
        {
            'image_id': image_id,
            'category_id': 1,
            **{name: column[index].tolist() for name, column in columns.items()},
        }
        for index in np.flatnonzero(kept.any(axis=1))
    ]


def prediction_files(
    images: Mapping[str, list[dict]],
    people: Mapping[int, list[dict]],
    keypoint_names: Sequence[str],
) -> dict[str, dict]:
    """PoseTrack18's JSON of each sequence, with all frames, also those without persons.

    Args:
        images: The frames' records by sequence.
        people: Entries of ``annotations`` by image id.
        keypoint_names: K, in the order of the keypoints.
    """
    category = {
        'supercategory': 'person',
        'id': 1,
        'name': 'person',
        'keypoints': list(keypoint_names),
    }
    return {
        name: {
            'info': {'format': FORMAT},
            'images': frames,
            'annotations': [one for frame in frames for one in people.get(frame['id'], ())],
            'categories': [category],
        }
        for name, frames in images.items()
    }

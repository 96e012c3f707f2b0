"""From MMPose's data samples to the poses and tracks of an image."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from hrnet_ext.evaluation.metrics.collecting import poses_of, sample_id
from hrnet_ext.evaluation.poses import Poses


@dataclass(frozen=True)
class Sample:
    """The predictions of one data sample.

    Attributes:
        image_id: Id of the image.
        id: Id of the sample, unique in the data set.
        poses: Its N persons.
        track_ids: (N,) int64, or None.
        is_tracked: Whether these ids come from the prediction and not from the box used for
            cropping.
    """

    image_id: int
    id: Hashable
    poses: Poses
    track_ids: np.ndarray | None
    is_tracked: bool


def sample_of(data_sample: dict) -> Sample:
    """The predictions of a data sample.

    Args:
        data_sample: As for :func:`~hrnet_ext.evaluation.metrics.collecting.poses_of`, with ``id``
            and ``img_id``; track ids are ``pred_instances.track_ids`` (N,) or, for a single person,
            ``raw_ann_info.track_id``.

    Raises:
        ValueError: If there are no predictions.
    """
    image_id, poses = data_sample['img_id'], poses_of(data_sample)
    own = data_sample['pred_instances'].get('track_ids')
    return Sample(
        image_id=image_id,
        id=sample_id(data_sample),
        poses=poses,
        track_ids=_box_track(data_sample, poses) if own is None else np.asarray(own, np.int64),
        is_tracked=own is not None,
    )


def _box_track(data_sample: dict, poses: Poses) -> np.ndarray | None:
    annotation = data_sample.get('raw_ann_info')
    if not isinstance(annotation, dict) or len(poses) != 1:  # a list in bottom-up samples
        return None
    track_id = annotation.get('track_id')
    return None if track_id is None else np.array([track_id], np.int64)

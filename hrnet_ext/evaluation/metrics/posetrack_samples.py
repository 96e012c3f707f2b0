"""From MMPose's data samples to the poses and tracks of an image, and the report of the results."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.logging import MMLogger

from hrnet_ext.evaluation.metrics.collecting import poses_of, sample_id
from hrnet_ext.evaluation.poses import Poses
from hrnet_ext.evaluation.posetrack.evaluate import format_posetrack
from hrnet_ext.formats.posetrack.keypoints import GROUPS


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


AP_NAMES = ('AP', *(f'{group} AP' for group in GROUPS))
MMPOSE_GROUPS = {'Shoulder': 'Shou', 'Elbow': 'Elb', 'Wrist': 'Wri', 'Ankle': 'Ankl'}
MMPOSE_NAMES = {f'{ours} AP': f'{theirs} AP' for ours, theirs in MMPOSE_GROUPS.items()}
TRACK_NAMES = ('MOTA', 'MOTP', 'Precision', 'Recall')


def values_of(result: Mapping[str, Any]) -> dict[str, float]:
    """The values that are logged and that ``save_best`` can name.

    Args:
        result: What :func:`~hrnet_ext.evaluation.evaluate_posetrack` returned.
    """
    groups = {f'{name} AP': value for name, value in result['per_group']['AP'].items()}
    tracks = {name: result[name] for name in TRACK_NAMES if name in result}
    return {'AP': result['AP'], **groups, **tracks}


def log_result(result: Mapping[str, Any], num_without: int) -> None:
    """Log the table, with the numbers of frames and sequences.

    Args:
        result: What :func:`~hrnet_ext.evaluation.evaluate_posetrack` returned.
        num_without: Evaluated frames without predicted persons.
    """
    MMLogger.get_current_instance().info(
        f'PoseTrack18, {result["num_frames"]} frames of {result["num_sequences"]} sequences '
        f'({num_without} without a prediction), in %:\n{format_posetrack(result)}'
    )


def label(values: Mapping[str, float], absent: str | None, *, true_tracks: bool) -> dict:
    """Add a warning and a mark to values that depend on ground-truth boxes or tracks.

    Args:
        values: As from :func:`values_of`.
        absent: The missing file of detected boxes, if annotated boxes replaced them.
        true_tracks: Whether the track ids are those of the annotations.
    """
    logger = MMLogger.get_current_instance()
    marks = {}
    if absent:
        logger.warning(
            f'AP {values["AP"]:.2f} is on GROUND-TRUTH BOXES, because `{absent}` does not exist; '
            'it is not comparable with results on detected boxes.'
        )
        marks['ground_truth_boxes'] = 1.0
    if true_tracks:
        logger.warning(
            f'MOTA {values["MOTA"]:.2f} uses the TRACKS OF THE GROUND TRUTH; it is an upper '
            'bound for these poses, not the result of tracking.'
        )
        marks['ground_truth_tracks'] = 1.0
    return {**values, **marks}

"""From MMPose's data samples to the poses that metrics evaluate."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np
from mmengine.logging import MMLogger

from hrnet_ext.evaluation.poses import Poses


class OfImage(Protocol):
    """The fields that all metrics keep of a data sample."""

    id: Hashable
    image_id: int | str
    poses: Poses


SampleT = TypeVar('SampleT', bound=OfImage)


DIVERGED = 'has training diverged, or does the model not support its precision?'


def group_by_image(samples: Iterable[SampleT]) -> dict[int | str, list[SampleT]]:
    """Samples by image, both sorted by id and without duplicates, for any number of processes."""
    images: dict[int | str, dict] = defaultdict(dict)
    for sample in samples:
        images[sample.image_id].setdefault(sample.id, sample)
    return {
        image_id: [by_id[number] for number in sorted(by_id)]
        for image_id, by_id in sorted(images.items())
    }


def with_finite_poses(samples: Sequence[SampleT]) -> list[SampleT]:
    """Remove poses of which a coordinate, a score or the area is not finite.

    A warning is logged; the removed poses count as missed persons.

    Raises:
        ValueError: If no pose is finite.
    """
    masks = [sample.poses.are_finite() for sample in samples]
    num, num_kept = sum(map(len, masks)), sum(int(mask.sum()) for mask in masks)
    if num_kept == num:
        return list(samples)
    first = next(sample for sample, mask in zip(samples, masks) if not mask.all())
    what = (
        f'{num - num_kept:,} of {num:,} predicted poses have a coordinate or score that is not '
        f'finite (NaN?), the first in image {first.image_id!r}, person {first.id!r}'
    )
    if not num_kept:
        raise ValueError(f'{what}; {DIVERGED}')
    MMLogger.get_current_instance().warning(f'{what}; they are not evaluated')
    return [
        sample if mask.all() else _with_poses_at(sample, mask)
        for sample, mask in zip(samples, masks)
    ]


def _with_poses_at(sample: SampleT, mask: np.ndarray) -> SampleT:
    changes = {'poses': sample.poses.select(mask)}
    if getattr(sample, 'track_ids', None) is not None:
        changes['track_ids'] = sample.track_ids[mask]
    return replace(sample, **changes)


def sample_id(data_sample: dict) -> Hashable:
    """A data sample's id; for a bottom-up sample the ids of all its persons."""
    number = data_sample['id']
    return number if np.ndim(number) == 0 else tuple(number)


def poses_of(data_sample: dict) -> Poses:
    """The persons predicted in one data sample, as MMPose's ``CocoMetric`` reads them.

    Box scores are the prediction's own, otherwise those of the boxes used for cropping, otherwise
    1. Areas are those of these padded boxes, otherwise of the keypoints' extent. If the numbers of
    persons and boxes differ (bottom-up models), the boxes are not used.

    Args:
        data_sample: With ``pred_instances`` (keypoints (N, K, 2), keypoint_scores (N, K), maybe
            bbox_scores (N,)) and maybe ``gt_instances`` (bbox_scores, bbox_scales (N, 2) in
            pixels).

    Raises:
        ValueError: If there are no predictions or their shapes do not agree.
    """
    if 'pred_instances' not in data_sample:
        raise ValueError(
            f'data sample {data_sample.get("id")} has no pred_instances; a metric needs the '
            "model's predictions (mode='predict')"
        )
    predicted, boxes = data_sample['pred_instances'], data_sample.get('gt_instances', {})
    keypoints = np.asarray(predicted['keypoints'])
    return Poses(
        keypoints=keypoints,
        keypoint_scores=np.asarray(predicted['keypoint_scores']),
        box_scores=_box_scores(predicted, boxes, len(keypoints)),
        areas=_areas(boxes, keypoints),
    )


def _box_scores(predicted: dict, boxes: dict, num_people: int) -> np.ndarray:
    if 'bbox_scores' in predicted:
        return np.asarray(predicted['bbox_scores'])
    scores = np.asarray(boxes.get('bbox_scores', ()))
    return scores if len(scores) == num_people else np.ones(num_people)


def _areas(boxes: dict, keypoints: np.ndarray) -> np.ndarray:
    scales = np.asarray(boxes.get('bbox_scales', ()))
    if len(scales) == len(keypoints):
        return scales.reshape(-1, 2).prod(axis=1)
    return np.ptp(keypoints, axis=1).prod(axis=1)

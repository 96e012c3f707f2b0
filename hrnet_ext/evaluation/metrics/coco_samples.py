"""The part of each data sample that the COCO metric keeps, and the results made from it.

N: persons of a sample: one (top-down) or all of an image (bottom-up); K: keypoints.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hrnet_ext.evaluation.metrics.collecting import poses_of, sample_id
from hrnet_ext.evaluation.poses import Poses


@dataclass(frozen=True)
class CocoSample:
    """Predictions of one data sample.

    Attributes:
        id: Id of the person; for a bottom-up sample a tuple of the ids of all persons.
        image_id: Id of the image.
        category_id: Category of the predictions.
        poses: N persons.
        annotations: Those in the sample, if there is no annotation file.
    """

    id: Hashable
    image_id: int | str
    category_id: int
    poses: Poses
    annotations: tuple[Mapping, ...] = ()


def sample_of(data_sample: Mapping, *, with_annotations: bool = False) -> CocoSample:
    """The evaluated part of MMPose's data sample, which is given as a dict.

    Raises:
        ValueError: If there are no predictions, they have several categories, or the annotations
            are requested but absent.
    """
    return CocoSample(
        id=sample_id(data_sample),
        image_id=data_sample['img_id'],
        category_id=_category(data_sample),
        poses=poses_of(data_sample),
        annotations=_annotations(data_sample) if with_annotations else (),
    )


def results_of(
    samples: Sequence[CocoSample], poses: Poses, scores: np.ndarray, kept: np.ndarray
) -> list[dict[str, object]]:
    """COCO results of one image.

    Args:
        samples: All samples of that image.
        poses: Their N persons.
        scores: (N,).
        kept: Indices of the persons to list.

    Returns:
        Dicts of image_id, category_id, keypoints (3 K: x, y in image space and a score), score.
    """
    categories = [sample.category_id for sample in samples for _ in range(len(sample.poses))]
    triples = np.concatenate([poses.keypoints, poses.keypoint_scores[..., None]], axis=2)[kept]
    rows = triples.reshape(len(kept), 3 * triples.shape[1]).tolist()
    return [
        {
            'image_id': samples[0].image_id,
            'category_id': categories[index],
            'keypoints': keypoints,
            'score': float(scores[index]),
        }
        for index, keypoints in zip(kept, rows)
    ]


def annotations_in(samples: Iterable[CocoSample]) -> dict[str, list[dict]]:
    """The content of an annotation file, from the annotations in the samples."""
    images, people = {}, {}
    for sample in samples:
        images[sample.image_id] = {'id': sample.image_id}
        people.update({person['id']: dict(person) for person in sample.annotations})
    categories = sorted({person['category_id'] for person in people.values()})
    return {
        'images': list(images.values()),
        'annotations': list(people.values()),
        'categories': [{'id': category} for category in categories],
    }


def _category(data_sample: Mapping) -> int:
    found = data_sample.get('category_id', 1)
    if np.ndim(found) == 0:
        return int(found)
    categories = set(np.asarray(found).tolist())
    if len(categories) != 1:
        raise ValueError(
            f'data sample {data_sample["id"]} has the categories {sorted(categories)}, but '
            'predictions have no category; evaluate one category at a time'
        )
    return int(categories.pop())


def _annotations(data_sample: Mapping) -> tuple[Mapping, ...]:
    found = data_sample.get('raw_ann_info')
    if found is None:
        raise ValueError(
            f'data sample {data_sample["id"]} has no raw_ann_info (it comes from a detected '
            'box?), and no annotation file is known; set val_evaluator.ann_file and '
            'test_evaluator.ann_file'
        )
    several = found if isinstance(found, (list, tuple)) else [found]
    return tuple(annotation for annotation in several if annotation is not None)

"""What the COCO metric keeps of each data sample, and what it makes of all of them.

N: people of a sample: one (top-down) or all of an image (bottom-up); K: keypoints.
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
        id: Of the person; of all people, as a tuple, of a bottom-up sample.
        image_id: Of the image.
        category_id: Of the predictions.
        poses: N people.
        annotations: Those the sample came with, if they are all the ground truth there is.
    """

    id: Hashable
    image_id: int | str
    category_id: int
    poses: Poses
    annotations: tuple[Mapping, ...] = ()


def sample_of(data_sample: Mapping, *, with_annotations: bool = False) -> CocoSample:
    """What is evaluated of MMPose's data sample, as a dict.

    Raises:
        ValueError: If there are no predictions, they are of several categories, or the annotations
            are wanted and not there.
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
        samples: All of that image.
        poses: Their N people.
        scores: (N,).
        kept: Indices of the people to list.

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
    """The content of an annotation file, from the annotations that samples carry."""
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
            f'data sample {data_sample["id"]} is of the categories {sorted(categories)}, but a '
            'prediction does not say of which it is; evaluate one category at a time'
        )
    return int(categories.pop())


def _annotations(data_sample: Mapping) -> tuple[Mapping, ...]:
    found = data_sample.get('raw_ann_info')
    if found is None:
        raise ValueError(
            f'data sample {data_sample["id"]} carries no raw_ann_info (it comes from a detected '
            'box?), and no annotation file is known; name it: val_evaluator.ann_file, '
            'test_evaluator.ann_file'
        )
    several = found if isinstance(found, (list, tuple)) else [found]
    return tuple(annotation for annotation in several if annotation is not None)

"""The data that the COCO metric keeps of each sample, and the annotation file it compares with.

N: persons of a sample: one (top-down) or all of an image (bottom-up); K: keypoints.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hrnet_ext.evaluation.coco_ground_truth import ground_truth_of
from hrnet_ext.evaluation.metrics.collecting import poses_of, sample_id
from hrnet_ext.evaluation.poses import Poses
from hrnet_ext.formats.coco import check_coco
from hrnet_ext.formats.files import read_json
from hrnet_ext.formats.keypoint_box import keypoint_box


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


ANN_FILE = 'annotation file (val_evaluator.ann_file, test_evaluator.ann_file)'


def read_truth(path: str, dataset_meta: Mapping, *, use_area: bool) -> dict:
    """The ground truth in a COCO annotation file.

    Args:
        path: The file.
        dataset_meta: Metainfo of the evaluated data set: ``num_keypoints`` and optionally
            ``keypoint_id2name``, ``CLASSES`` (the categories it uses) and
            ``boxes_from_keypoints``.
        use_area: Use the annotated areas; False for 0.53 of the box.

    Raises:
        ValueError: If the file is of another kind, or lacks what the evaluation needs.
    """
    content = read_json(path, ANN_FILE)
    where = f'{ANN_FILE} `{path}`'
    if isinstance(content, dict) and 'images' in content and 'annotations' not in content:
        raise ValueError(
            f'{where} has images without annotations (a test set?), so nothing can '
            'be evaluated; to write the predictions instead, set test_evaluator.format_only=True '
            'test_evaluator.outfile_prefix=FOLDER/NAME'
        )
    num_keypoints = dataset_meta['num_keypoints']
    names = dataset_meta.get('keypoint_id2name', {})
    checked = check_coco(
        content,
        where,
        keypoints=[names[index] for index in range(len(names))] or num_keypoints,
        category=[one['id'] for one in dataset_meta.get('CLASSES') or ()],
    )
    people = checked.people
    if factor := dataset_meta.get('boxes_from_keypoints'):
        people = [_boxed(person, factor - 1) for person in people]
    usable = {'images': checked.images, 'annotations': people, 'categories': checked.categories}
    try:
        return ground_truth_of(usable, num_keypoints, use_area=use_area)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from error


def of_images(truth: dict, image_ids: list | None) -> dict:
    """The ground truth of these images; of all images if None."""
    if image_ids is None:
        return truth
    asked = set(image_ids)
    return {
        **truth,
        'images': [image for image in truth['images'] if image['id'] in asked],
        'annotations': [one for one in truth['annotations'] if one['image_id'] in asked],
    }


def _boxed(person: Mapping, extension: float) -> Mapping:
    """The person, with a box from the keypoints (as in the data set) if none is annotated."""
    if person.get('bbox') is not None or not person.get('keypoints'):
        return person
    triples = np.reshape(person['keypoints'], (-1, 3))
    return {**person, 'bbox': keypoint_box(triples, extension=extension)}

"""The annotation file that a COCO metric compares with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hrnet_ext.evaluation.coco_ground_truth import ground_truth_of
from hrnet_ext.formats.coco import check_coco
from hrnet_ext.formats.files import read_json
from hrnet_ext.formats.keypoint_box import keypoint_box

ANN_FILE = 'annotation file (val_evaluator.ann_file, test_evaluator.ann_file)'


def read_truth(path: str, dataset_meta: Mapping, *, use_area: bool) -> dict:
    """The ground truth in a COCO annotation file.

    Args:
        path: The file.
        dataset_meta: What the evaluated data set says of itself: ``num_keypoints`` and, where it
            has them, ``keypoint_id2name``, ``CLASSES`` (the categories it takes) and
            ``boxes_from_keypoints``.
        use_area: Take the annotated areas; False for 0.53 of the box.

    Raises:
        ValueError: If the file is of another kind, or lacks what the evaluation needs.
    """
    content = read_json(path, ANN_FILE)
    where = f'{ANN_FILE} `{path}`'
    if isinstance(content, dict) and 'images' in content and 'annotations' not in content:
        raise ValueError(
            f'{where} holds images without annotations (a test set?), so nothing can '
            'be evaluated; test_evaluator.format_only=True '
            'test_evaluator.outfile_prefix=FOLDER/NAME write the predictions instead'
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
    """The part of the ground truth on these images; all of it for None."""
    if image_ids is None:
        return truth
    asked = set(image_ids)
    return {
        **truth,
        'images': [image for image in truth['images'] if image['id'] in asked],
        'annotations': [one for one in truth['annotations'] if one['image_id'] in asked],
    }


def _boxed(person: Mapping, extension: float) -> Mapping:
    """A person with a box as the data set makes it where none is annotated."""
    if person.get('bbox') is not None or not person.get('keypoints'):
        return person
    triples = np.reshape(person['keypoints'], (-1, 3))
    return {**person, 'bbox': keypoint_box(triples, extension=extension)}

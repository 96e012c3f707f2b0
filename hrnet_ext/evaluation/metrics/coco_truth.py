"""The annotation file that a COCO metric uses as ground truth."""

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

"""The boxes of the persons in a COCO annotation file, in place of a file of boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from hrnet_ext.formats.boxes import size_of, xyxy_look
from hrnet_ext.formats.coco import BOX, check_ids, choose_categories
from hrnet_ext.formats.coco_values import check_numbers
from hrnet_ext.inference.frames import Frame, base_name
from hrnet_ext.reading import check_records


def is_annotations(content: Any) -> bool:
    """Whether a file's content is that of an annotation file."""
    return isinstance(content, Mapping) and {'images', 'annotations'} <= content.keys()


def annotated_boxes(content: Mapping[str, Any], source: str) -> Callable[[Frame], list]:
    """The boxes (N, 4) x1, y1, x2, y2 of the persons in a frame's image.

    Crowds, boxes without area and, if there is a category ``person``, other categories are left
    out. Keypoints and image sizes are optional here, so only IDs, categories and boxes are checked,
    by the functions that check them for data sets.

    Args:
        content: Content of the file.
        source: Name of the file, for messages.

    Raises:
        ValueError: If a record lacks a field, or IDs, categories or boxes are invalid.
    """
    images, people = content['images'], content['annotations']
    categories = content.get('categories', [])
    check_records(images, ('id', 'file_name'), f'{source}: images')
    check_records(people, ('image_id', 'bbox'), f'{source}: annotations')
    check_records(categories, ('id',), f'{source}: categories')
    check_ids([image['id'] for image in images], f'{source}: images')
    # IDs of annotations are optional here.
    numbered = [{'id': index, **person} for index, person in enumerate(people)]
    check_numbers(numbered, 'bbox', BOX, f'{source}: annotation', length=4)
    _refuse_corners(people, images, source)
    persons = {each['id'] for each in choose_categories(categories, None, None, source)}
    boxes = defaultdict(list)
    for person in people:
        x, y, w, h = person['bbox']
        is_person = len(categories) < 2 or person.get('category_id') in persons
        if is_person and not person.get('iscrowd') and w > 0 and h > 0:
            boxes[person['image_id']].append([x, y, x + w, y + h])
    images_by_name = defaultdict(list)
    for image in images:
        images_by_name[base_name(image['file_name'])].append(image)

    def of_frame(frame: Frame) -> list:
        named = images_by_name.get(base_name(frame.path), [])
        if len(named) > 1:
            named = [each for each in named if _ends_with(frame.path, each['file_name'])]
        if len(named) != 1:
            count = f'{len(named)} images' if named else 'no image'
            raise ValueError(f'{source} has {count} of the name of `{frame.path}`')
        return boxes[named[0]['id']]

    return of_frame


def _refuse_corners(people: list[dict], images: list[dict], source: str) -> None:
    """Raise an error if boxes are (x1, y1, x2, y2), as far as the image sizes are known."""
    sizes = {image['id']: size_of(image) for image in images}
    known = [person for person in people if sizes.get(person['image_id'])]
    boxes = np.array([person['bbox'] for person in known])
    if look := xyxy_look(boxes, [sizes[person['image_id']] for person in known]):
        raise ValueError(f'{source}: {look}')


def _ends_with(path: str, file_name: str) -> bool:
    parts = PurePath(file_name).parts
    return PurePath(path).parts[-len(parts) :] == parts

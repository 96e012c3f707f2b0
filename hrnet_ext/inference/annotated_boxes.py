"""The boxes of people in an annotation file of COCO's form, in place of a file of boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from hrnet_ext.inference.frames import Frame, base_name
from hrnet_ext.reading import check_records

PERSON = 'person'


def is_annotations(content: Any) -> bool:
    """Whether a file's content is that of an annotation file."""
    return isinstance(content, Mapping) and {'images', 'annotations'} <= content.keys()


def annotated_boxes(content: Mapping[str, Any], source: str) -> Callable[[Frame], list]:
    """The boxes (N, 4) x1, y1, x2, y2 of the people in a frame's image.

    Left out are crowds, boxes without area and, where a category is called ``person``, others.

    Args:
        content: The file's.
        source: What messages call the file.

    Raises:
        ValueError: If entries of ``images`` or ``annotations`` lack what is needed.
    """
    images, people = content['images'], content['annotations']
    check_records(images, ('id', 'file_name'), f'{source}: images')
    check_records(people, ('image_id', 'bbox'), f'{source}: annotations')
    persons = {each['id'] for each in content.get('categories', ()) if each['name'] == PERSON}
    boxes = defaultdict(list)
    for person in people:
        x, y, w, h = person['bbox']
        is_person = not persons or person.get('category_id') in persons
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


def _ends_with(path: str, file_name: str) -> bool:
    parts = PurePath(file_name).parts
    return PurePath(path).parts[-len(parts) :] == parts

"""Person boxes from a JSON file: COCO results, COCO annotations, or a list for each image."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from mmengine.logging import print_log

from hrnet_ext.formats.boxes import PERSON, Sizes, check_boxes, size_of, xyxy_look
from hrnet_ext.formats.coco import BOX, check_ids, choose_categories
from hrnet_ext.formats.coco_values import check_numbers
from hrnet_ext.formats.files import read_json
from hrnet_ext.inference.frames import Frame, base_name
from hrnet_ext.reading import check_records

WHAT = 'boxes file (--bboxes)'


def is_annotations(content: Any) -> bool:
    """Whether the content is that of an annotation file."""
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


class FileBoxes:
    """The boxes of a file as a function of the frame, for ``bboxes`` of an inferencer.

    Args:
        boxes: Boxes by file name, or by COCO's image id.
        where: Name of the file, for messages.
        by_name: Whether the keys are file names.
    """

    def __init__(self, boxes: Mapping[Hashable, list], where: str, *, by_name: bool) -> None:
        self._boxes, self._where, self._by_name = boxes, where, by_name
        self._has_strings = any(isinstance(key, str) for key in boxes)
        self._has_warned = False

    def __call__(self, frame: Frame) -> list:
        """The boxes of a frame.

        Raises:
            ValueError: If the file has no entry for the frame's name, or the name is not a number
                although the ids are numbers.
        """
        key = self._key_of(frame.path)
        if self._by_name and key not in self._boxes:
            raise ValueError(f'the boxes file has no entry `{key}`; give [] for no person')
        boxes = self._boxes.get(key, [])
        if not self._by_name:
            self._look_at(boxes, frame)
        return boxes

    def check_names(self, paths: Sequence[str]) -> None:
        """Check that the entries belong to the given images; warn about entries that do not.

        Args:
            paths: Paths of all images, or generated names for the frames of a video.

        Raises:
            ValueError: If no entry does.
        """
        known = {self._key_of(path) for path in paths}
        others = [key for key in self._boxes if key not in known]
        if not others or not known:
            return
        what = f'{len(others):,} of {len(self._boxes):,} entries of the {self._where} fit none'
        if len(others) == len(self._boxes):
            raise ValueError(
                f'{what} of the {len(known):,} images, the first is {others[0]!r}; that of '
                f'`{base_name(paths[0])}` would be {self._key_of(paths[0])!r}: is it the file of '
                'other images?'
            )
        print_log(
            f'{what} of the images, the first is {others[0]!r}',
            logger='current',
            level=logging.WARNING,
        )

    def _key_of(self, path: str) -> Hashable:
        name = base_name(path)
        if self._by_name:
            return name
        stem = Path(name).stem
        if self._has_strings:
            return name if name in self._boxes else stem
        if not stem.isdecimal():
            raise ValueError(
                f'`{path}` is not named by a number, which COCO results need as image_id; '
                f'write the boxes as {{"{name}": [[x1, y1, x2, y2, score], ...]}}'
            )
        return int(stem)

    def _look_at(self, boxes: list, frame: Frame) -> None:
        """Warn if boxes of COCO results look like corners; image sizes are known only now."""
        if self._has_warned or not boxes:
            return
        corners = np.array(boxes, np.float64)[:, :4]
        as_written = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        look = xyxy_look(as_written, [frame.size] * len(boxes))
        if look:
            self._has_warned = True
            print_log(
                f'{self._where}, image `{frame.path}`: {look}',
                logger='current',
                level=logging.WARNING,
            )


def read_boxes(path: str | os.PathLike[str]) -> list | Callable[[Frame], list]:
    """Boxes for ``bboxes`` of :class:`~hrnet_ext.apis.PoseInferencer`.

    Args:
        path: A JSON file with COCO results (``image_id`` is the file name of the image without its
            extension, or the number of a video frame, from 0), COCO annotations, ``{"file name":
            boxes}``, a list with the boxes of each frame, or the boxes of a single image. Boxes are
            x1, y1, x2, y2 with an optional score; in COCO's files they are x, y, w, h.

    Raises:
        ValueError: If it is none of these; the message names the file.
        FileNotFoundError: If it does not exist.
    """
    content, where = read_json(path, WHAT), f'{WHAT} `{path}`'
    if is_annotations(content):
        return annotated_boxes(content, f'annotation file `{path}`')
    if isinstance(content, dict):
        return FileBoxes(content, where, by_name=True)
    if not isinstance(content, list):
        raise ValueError(f'boxes file `{path}` should contain a list or an object of boxes')
    if content and isinstance(content[0], dict):
        return FileBoxes(_grouped(content, where), where, by_name=False)
    return content


def boxes_by_image(path: str | os.PathLike[str], sizes: Sizes) -> dict[Hashable, list]:
    """Boxes [x1, y1, x2, y2, score] by image id, from a file of COCO results.

    Args:
        path: The file.
        sizes: As for :func:`~hrnet_ext.formats.boxes.check_boxes`.

    Raises:
        ValueError: If it is not such a file, or belongs to other images; the message names it.
        FileNotFoundError: If it does not exist.
    """
    return _grouped(read_json(path, WHAT), f'{WHAT} `{path}`', sizes)


def _grouped(content: Any, where: str, sizes: Sizes | None = None) -> dict[Hashable, list]:
    records, left_out = check_boxes(content, f'{where}: results', sizes)
    if left_out.counts:
        print_log(f'{where}: left out: {left_out}', logger='current', level=logging.WARNING)
    by_image = defaultdict(list)
    for record in records:
        if record.get('category_id', PERSON) == PERSON:
            x, y, w, h = record['bbox'][:4]
            by_image[record['image_id']].append([x, y, x + w, y + h, record['score']])
    return dict(by_image)

"""Label maps of persons from COCO annotations, in the form that MMSegmentation reads.

Legend: a label map is a PNG (H, W) with one byte per pixel: 0 background, 1 person, 255 ignored.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from hrnet_ext.atomic_folder import atomic_folder
from hrnet_ext.reading import parse_json

BACKGROUND, PERSON, IGNORED = 0, 1, 255
PERSON_CATEGORY = 1  # COCO's


def write_person_masks(ann_file: Path, out: Path, *, replace: bool = False) -> int:
    """Write a label map per image, under the image's name with the suffix ``.png``.

    Args:
        ann_file: COCO annotations with ``segmentation``, such as ``person_keypoints_*.json``.
        out: Output folder, written atomically.
        replace: Whether to replace an existing folder.

    Returns:
        The number of label maps.

    Raises:
        FileNotFoundError: If the annotation file does not exist.
        FileExistsError: If ``out`` exists and ``replace`` is not set.
        ValueError: If the file is not a COCO annotation file, or a person has no segmentation.
    """
    if out.exists() and not replace:
        raise FileExistsError(f'{out} exists; --overwrite replaces it')
    what = f'annotation file `{ann_file}`'
    if not ann_file.is_file():
        raise FileNotFoundError(f'{what} does not exist')
    content = parse_json(ann_file.read_bytes(), what)
    if not isinstance(content, Mapping) or not {'images', 'annotations'} <= content.keys():
        raise ValueError(f'{what} is no COCO annotation file: it lacks images or annotations')
    people = defaultdict(list)
    for annotation in content['annotations']:
        if annotation['category_id'] == PERSON_CATEGORY:
            people[annotation['image_id']].append(annotation)
    with atomic_folder(out, replace=out.exists()) as folder:
        for image in content['images']:
            labels = label_map(people[image['id']], image['height'], image['width'], what)
            path = (folder / image['file_name']).with_suffix('.png')
            path.parent.mkdir(parents=True, exist_ok=True)
            _, png = cv2.imencode('.png', labels)
            path.write_bytes(png.tobytes())  # not cv2.imwrite, which raises no error on a full disk
    return len(content['images'])


def label_map(
    people: Iterable[Mapping[str, Any]], height: int, width: int, what: str = 'annotations'
) -> np.ndarray:
    """The label map (height, width) uint8 of an image.

    Args:
        people: Its annotations; crowds (``iscrowd``) are ignored, except where persons are.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        what: Name of the annotations, for the message.

    Raises:
        ValueError: If a person has no segmentation.
    """
    labels = np.full((height, width), BACKGROUND, np.uint8)
    for person in sorted(people, key=lambda person: -person.get('iscrowd', 0)):
        if not person.get('segmentation'):
            raise ValueError(
                f'{what}: annotation {person.get("id")} has no segmentation; label maps need '
                'annotations with outlines, not with boxes or keypoints alone'
            )
        seen = _decode(person['segmentation'], height, width)
        labels[seen] = IGNORED if person.get('iscrowd', 0) else PERSON
    return labels


def _decode(segmentation: Any, height: int, width: int) -> np.ndarray:
    """COCO's polygons or run lengths, compressed or not, as a mask (height, width) bool."""
    if isinstance(segmentation, list):
        runs = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation['counts'], list):
        runs = coco_mask.frPyObjects(segmentation, height, width)
    else:
        runs = segmentation
    return coco_mask.decode(runs).astype(bool)

"""COCO's person-keypoint layout of rendered pictures.

Legend: boxes are (x, y, w, h) in pixels; keypoints are flat lists of x, y, visibility.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from hrnet_ext.datasets.synthetic.render import OUTSIDE, SEEN, Person
from hrnet_ext.datasets.synthetic.skeleton import POINTS, mirrored_name

KEYPOINTS: tuple[str, ...] = (
    'nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear', 'left_shoulder', 'right_shoulder',
    'left_elbow', 'right_elbow', 'left_wrist', 'right_wrist', 'left_hip', 'right_hip',
    'left_knee', 'right_knee', 'left_ankle', 'right_ankle',
)  # fmt: skip
LINKS: tuple[tuple[str, str], ...] = (
    ('left_ankle', 'left_knee'), ('left_knee', 'left_hip'),
    ('right_ankle', 'right_knee'), ('right_knee', 'right_hip'), ('left_hip', 'right_hip'),
    ('left_shoulder', 'left_hip'), ('right_shoulder', 'right_hip'),
    ('left_shoulder', 'right_shoulder'),
    ('left_shoulder', 'left_elbow'), ('right_shoulder', 'right_elbow'),
    ('left_elbow', 'left_wrist'), ('right_elbow', 'right_wrist'),
    ('left_eye', 'right_eye'), ('nose', 'left_eye'), ('nose', 'right_eye'),
    ('left_eye', 'left_ear'), ('right_eye', 'right_ear'),
    ('left_ear', 'left_shoulder'), ('right_ear', 'right_shoulder'),
)  # fmt: skip
assert {mirrored_name(name) for name in KEYPOINTS} == set(KEYPOINTS) <= set(POINTS)
assert {frozenset(map(mirrored_name, link)) for link in LINKS} == {frozenset(k) for k in LINKS}

CATEGORY: dict[str, Any] = {
    'id': 1,
    'name': 'person',
    'supercategory': 'person',
    'keypoints': list(KEYPOINTS),
    'skeleton': [[KEYPOINTS.index(a) + 1, KEYPOINTS.index(b) + 1] for a, b in LINKS],
}
MIN_SEEN_KEYPOINTS = 3  # of fewer nobody could tell the rest: COCO leaves such people unlabelled
MAX_PEOPLE = 100  # per image; annotation ids are made of the image id and the person's number


def file_name(image_id: int) -> str:
    """COCO's name of an image file."""
    return f'{image_id:012d}.jpg'


def image_entry(image_id: int, *, size: tuple[int, int]) -> dict[str, Any]:
    """The entry of an image of ``size`` (w, h)."""
    width, height = size
    return {
        'id': image_id,
        'file_name': file_name(image_id),
        'width': width,
        'height': height,
        'license': 1,
    }


def person_entries(people: Sequence[Person], image_id: int) -> list[dict[str, Any]]:
    """The annotations of an image's people; who is not seen at all gets none."""
    assert len(people) < MAX_PEOPLE
    return [
        _person_entry(person, image_id, image_id * MAX_PEOPLE + number)
        for number, person in enumerate(people)
        if person.mask.any()
    ]


def _person_entry(person: Person, image_id: int, annotation_id: int) -> dict[str, Any]:
    run_lengths = coco_mask.encode(np.asfortranarray(person.mask.astype(np.uint8)))
    keypoints = _flat_keypoints(person)
    return {
        'id': annotation_id,
        'image_id': image_id,
        'category_id': CATEGORY['id'],
        'iscrowd': 0,
        'keypoints': keypoints,
        'num_keypoints': sum(visibility > OUTSIDE for visibility in keypoints[2::3]),
        'bbox': coco_mask.toBbox(run_lengths).tolist(),
        'area': float(coco_mask.area(run_lengths)),
        'segmentation': {
            'size': list(run_lengths['size']),
            'counts': run_lengths['counts'].decode('ascii'),
        },
    }


def _flat_keypoints(person: Person) -> list[float]:
    seen = sum(person.visibility[name] == SEEN for name in KEYPOINTS)
    if seen < MIN_SEEN_KEYPOINTS:
        return [0] * (3 * len(KEYPOINTS))
    flat: list[float] = []
    for name in KEYPOINTS:
        x, y = person.keypoints[name]
        visibility = person.visibility[name]
        # Half a pixel beside the outermost centres still rounds into the image.
        flat += [0, 0, 0] if visibility == OUTSIDE else [round(x, 2), round(y, 2), visibility]
    return flat


def annotation_file(
    images: list[dict[str, Any]], annotations: list[dict[str, Any]], *, description: str
) -> dict[str, Any]:
    """The contents of ``person_keypoints_*.json``."""
    return {
        'info': {'description': description, 'version': '1.0'},
        'licenses': [{'id': 1, 'name': 'Rendered; free for any use', 'url': ''}],
        'categories': [CATEGORY],
        'images': images,
        'annotations': annotations,
    }

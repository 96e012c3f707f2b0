"""COCO's person-keypoint layout.

What is written::

    OUT/train2017/000000000001.jpg ...           OUT/val2017/000001000001.jpg ...
    OUT/annotations/person_keypoints_train2017.json, person_keypoints_val2017.json
    OUT/synthetic.json                           the arguments it was made from

Legend: boxes are (x, y, w, h) in pixels; keypoints are flat lists of x, y, visibility.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pycocotools import mask as coco_mask

from hrnet_ext.synthetic.layouts.layout import ImageLayout, write_annotations
from hrnet_ext.synthetic.render import OUTSIDE, SEEN, Person, Rendering
from hrnet_ext.synthetic.scene import Scene
from hrnet_ext.synthetic.skeleton import POINTS, mirrored_name

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
MIN_SEEN_KEYPOINTS = 3  # COCO does not label people with fewer visible keypoints
MAX_PEOPLE = 100  # per image; annotation ids are made of the image id and the person's number

Entry = tuple[dict[str, Any], list[dict[str, Any]]]


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
    """The annotations of an image's people; invisible people get none."""
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
        # Half a pixel beside the outermost centers still rounds into the image.
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


class CocoLayout(ImageLayout):
    """COCO's folders and one annotation file per split."""

    name: ClassVar[str] = 'coco'

    def manifest(self) -> dict[str, Any]:
        # Manifests of this layout are older than the others: without a name.
        return {key: value for key, value in super().manifest().items() if key != 'layout'}

    def images(self, split: str) -> str:
        return f'{split}2017/*.jpg'

    def image_path(self, split: str, image_id: int) -> str:
        return f'{split}2017/{file_name(image_id)}'

    def annotations(self, split: str) -> list[str]:
        return [f'annotations/person_keypoints_{split}2017.json']

    def entry(self, image_id: int, scene: Scene, rendering: Rendering) -> Entry:
        image = image_entry(image_id, size=self.spec.image_size)
        return image, person_entries(rendering.people, image_id)

    def annotate(self, folder: Path, split: str, entries: Sequence[Entry]) -> None:
        contents = annotation_file(
            [image for image, _ in entries],
            [person for _, people in entries for person in people],
            description=f'Rendered people, {self.spec.difficulty}, {split}, seed {self.spec.seed}',
        )
        write_annotations(folder / self.annotations(split)[0], contents)

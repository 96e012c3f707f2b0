"""MPII's layout, with annotations in our own form, which holds the head boxes, too.

What is written::

    OUT/images/000000001.jpg ...  (train)        OUT/images/001000001.jpg ...  (val)
    OUT/annotations/mpii_train.json, mpii_val.json
    OUT/synthetic.json                           the arguments it was made from

Legend: positions are (x, y), rectangles (x1, y1, x2, y2); 0 is the center of the first pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hrnet_ext.formats.mpii import COORDINATES, FORMAT, KEYPOINTS, VERSION
from hrnet_ext.synthetic.layouts.layout import ImageLayout, write_annotations
from hrnet_ext.synthetic.render import OUTSIDE, SEEN, Person, Rendering
from hrnet_ext.synthetic.scene import PlacedFigure, Scene
from hrnet_ext.synthetic.skeleton import POINTS, mirrored_name

assert {mirrored_name(name) for name in KEYPOINTS} == set(KEYPOINTS) <= set(POINTS)

PIXELS_OF_SCALE = 200  # MPII's scale is a person's height in units of so many pixels
# MPII's center is a little above the middle of the body: readers move it down by so many pixels
# times the scale (lib/dataset/mpii.py of the official HRNet).
CENTER_ABOVE_MIDDLE = 15
MIN_SEEN_KEYPOINTS = 4  # people with fewer visible keypoints are not annotated
NEAR = 0.25  # maximum distance of people near each other, fraction of the taller one's height

Entry = list[dict[str, Any]]


def people_entries(image: str, scene: Scene, rendering: Rendering) -> Entry:
    """The annotations of an image's people; hardly visible people get none.

    Args:
        image: The image's file name.
        scene: What it shows.
        rendering: The rendered image.
    """
    height, width = rendering.image.shape[:2]
    pairs = [(a, p) for a, p in zip(scene.placed_figures, rendering.people) if p.mask.any()]
    entries = []
    for placed, person in pairs:
        if sum(person.visibility[name] == SEEN for name in KEYPOINTS) < MIN_SEEN_KEYPOINTS:
            continue
        others = [other for other in pairs if other[0] is not placed]
        entries.append(
            {
                'image': image,
                **_joints(person),
                **_where(placed, person, size=(width, height)),
                'head_box': _rounded(placed.figure.head_box(placed.placement)),
                'single_person': not any(_are_near((placed, person), other) for other in others),
            }
        )
    return entries


def _joints(person: Person) -> dict[str, list]:
    """Positions and whether they are annotated, hidden ones included, in MPII's order."""
    inside = [person.visibility[name] != OUTSIDE for name in KEYPOINTS]
    return {
        'joints': [
            _rounded(person.keypoints[name]) if there else [-1, -1]
            for name, there in zip(KEYPOINTS, inside)
        ],
        'joints_vis': [int(there) for there in inside],
    }


def _where(placed: PlacedFigure, person: Person, *, size: tuple[int, int]) -> dict[str, Any]:
    """MPII's rough position and scale; the position is inside the image."""
    scale = _height(placed) / PIXELS_OF_SCALE
    corners = _extent(person)
    middle = (corners[:2] + corners[2:]) / 2 - (0, CENTER_ABOVE_MIDDLE * scale)
    center = np.clip(middle, 0, np.array(size) - 1)
    return {'center': _rounded(center), 'scale': round(scale, 4)}


def _height(placed: PlacedFigure) -> float:
    """Height of the person when standing, pixels."""
    return placed.figure.body.stature * placed.placement.scale


def _extent(person: Person) -> np.ndarray:
    """The rectangle (4,) around all keypoints, in the image or not."""
    keypoints = np.array([person.keypoints[name] for name in KEYPOINTS])
    return np.concatenate([keypoints.min(axis=0), keypoints.max(axis=0)])


def _are_near(one: tuple[PlacedFigure, Person], other: tuple[PlacedFigure, Person]) -> bool:
    """Whether the rectangles around two people touch, or almost."""
    first, second = _extent(one[1]), _extent(other[1])
    gap = np.maximum(first[:2] - second[2:], second[:2] - first[2:]).max()
    return bool(gap < NEAR * max(_height(one[0]), _height(other[0])))


def _rounded(values: Sequence[float] | np.ndarray) -> list[float]:
    return [round(float(value), 2) for value in values]


class MpiiLayout(ImageLayout):
    """MPII's single folder of images and one annotation file per split."""

    name: ClassVar[str] = 'mpii'

    def images(self, split: str) -> str:
        return f'images/{"000" if split == "train" else "001"}??????.jpg'

    def image_path(self, split: str, image_id: int) -> str:
        return f'images/{_file_name(image_id)}'

    def annotations(self, split: str) -> list[str]:
        return [f'annotations/mpii_{split}.json']

    def entry(self, image_id: int, scene: Scene, rendering: Rendering) -> Entry:
        return people_entries(_file_name(image_id), scene, rendering)

    def annotate(self, folder: Path, split: str, entries: Sequence[Entry]) -> None:
        people = [person for entry in entries for person in entry]
        contents = {
            'info': {
                'format': FORMAT,
                'version': VERSION,
                'coordinates': COORDINATES,
                'description': f'Rendered people, {self.spec.difficulty}, {split}, '
                f'seed {self.spec.seed}',
            },
            'people': [{'id': number, **person} for number, person in enumerate(people)],
        }
        write_annotations(folder / self.annotations(split)[0], contents)


def _file_name(image_id: int) -> str:
    return f'{image_id:09d}.jpg'

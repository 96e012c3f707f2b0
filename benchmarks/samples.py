"""Persons to work on: made-up keypoints, and rendered images and videos.

Legend: N persons; K keypoints; keypoints (N, K, 2) in input space; F frames; boxes (F, N, 4) as
x1, y1, x2, y2 in pixels of the frame.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from hrnet_ext.datasets.body.coco_keypoints import coco_metainfo
from hrnet_ext.synthetic import generate, make_spec
from hrnet_ext.writing import write_json

COLUMNS, ROWS = 5, 2  # of a video frame
SINGLES = 40  # images for the video: enough of them show one person
ANNOTATIONS = 'annotations/person_keypoints_val2017.json'
IMAGES_PER_PERSON = 0.75  # at least; easy images show one or two persons


def flip_indices() -> list[int]:
    """For each of COCO's keypoints its mirrored one."""
    return [int(index) for index in parse_pose_metainfo(coco_metainfo())['flip_indices']]


def random_keypoints(
    num: int, input_size: tuple[int, int], *, margin: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (num, K, 2) float32, and visibility (num, K) of 0 or 1.

    Args:
        num: Persons.
        input_size: (w, h).
        margin: How far outside the input keypoints may lie, over its size; negative: inside.
    """
    rng = np.random.default_rng(num)
    shape = (num, len(flip_indices()))
    places = rng.random((*shape, 2)) * (1 + 2 * margin) - margin
    visible = rng.random(shape) < 0.9
    return (places * input_size).astype(np.float32), visible.astype(np.float32)


def cropped(num: int, input_size: tuple[int, int]) -> list[dict[str, Any]]:
    """Persons on images of noise, as pipelines have them after ``TopdownAffine``."""
    rng = np.random.default_rng(0)
    return [
        {
            'img': rng.integers(0, 255, (*reversed(input_size), 3), dtype=np.uint8),
            'input_size': input_size,
            'transformed_keypoints': keypoints[None],
            'keypoints': keypoints[None],
            'keypoints_visible': visible[None],
            'dataset_keypoint_weights': np.ones_like(visible[None]),
            'flip_indices': flip_indices(),
        }
        for keypoints, visible in zip(*random_keypoints(num, input_size))
    ]


def packed(steps: Iterable[Callable], num: int, input_size: tuple[int, int]) -> list[dict]:
    """The same persons after the rest of a pipeline: ``steps`` make targets, and pack."""
    samples = cropped(num, input_size)
    for step in steps:
        samples = [step(sample) for sample in samples]
    return samples


def render(folder: Path, *, num_train: int = 1, num_val: int = 1, layout: str = 'coco') -> Path:
    """A new folder of easy rendered images, in ``folder``; found again if that is kept.

    Args:
        folder: Where the new one is made.
        num_train, num_val: Images; videos in the layout ``'posetrack18'``.
        layout: Of the annotations.
    """
    spec = make_spec(layout, num_train=num_train, num_val=num_val)
    folder = folder / f'{layout}_{num_train}_{num_val}'
    generate(folder, spec, layout=layout, num_workers=len(os.sched_getaffinity(0)))
    return folder


def render_persons(folder: Path, num: int) -> Path:
    """A folder that has at least so many persons in its validation images."""
    return render(folder, num_val=max(1, round(num * IMAGES_PER_PERSON)))


def first_persons(folder: Path, num: int) -> tuple[str, int]:
    """An annotation file of the first images with at least ``num`` persons, and their number.

    Its path is relative to ``folder``.
    """
    content, persons = _read(folder)
    images, kept = [], []
    for image in content['images']:
        if len(kept) < num:
            images.append(image)
            kept += persons[image['id']]
    name = f'annotations/val_{num}_persons.json'
    write_json(folder / name, {**content, 'images': images, 'annotations': kept})
    return name, len(kept)


def make_video(folder: Path, num_frames: int) -> tuple[str, np.ndarray]:
    """A video file with ten persons in each frame, and their boxes (F, 10, 4)."""
    rendered = render(folder, num_val=SINGLES)
    content, persons = _read(rendered)
    singles = [image for image in content['images'] if len(persons[image['id']]) == 1]
    tiles = [cv2.imread(str(rendered / 'val2017' / image['file_name'])) for image in singles]
    of_tiles = np.array([persons[image['id']][0]['bbox'] for image in singles])
    of_tiles[:, 2:] += of_tiles[:, :2]
    side, path = len(tiles[0]), str(folder / f'video_{num_frames}.mp4')
    size = (COLUMNS * side, ROWS * side)
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), 10, size)
    corners = np.array([(x, y, x, y) for y in range(ROWS) for x in range(COLUMNS)]) * side
    chosen = (np.arange(num_frames)[:, None] + np.arange(COLUMNS * ROWS)) % len(tiles)
    for frame in chosen.reshape(num_frames, ROWS, COLUMNS):
        writer.write(np.vstack([np.hstack([tiles[index] for index in row]) for row in frame]))
    writer.release()
    return path, (of_tiles[chosen] + corners).astype(np.float32)


def _read(folder: Path) -> tuple[dict[str, Any], dict[int, list[dict]]]:
    """The validation annotations, and those of each image."""
    content = json.loads((folder / ANNOTATIONS).read_text())
    persons: dict[int, list[dict]] = defaultdict(list)
    for annotation in content['annotations']:
        persons[annotation['image_id']].append(annotation)
    return content, persons

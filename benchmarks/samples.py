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
from hrnet_ext.datasets.synthetic import generate, make_spec
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
    keypoints, visible = random_keypoints(num, input_size)
    return [
        {
            'img': rng.integers(0, 255, (*reversed(input_size), 3), dtype=np.uint8),
            'input_size': input_size,
            'transformed_keypoints': keypoints[index : index + 1],
            'keypoints': keypoints[index : index + 1],
            'keypoints_visible': visible[index : index + 1],
            'dataset_keypoint_weights': np.ones_like(visible[:1]),
            'flip_indices': flip_indices(),
        }
        for index in range(num)
    ]


def packed(
    steps: Iterable[Callable], num: int, input_size: tuple[int, int]
) -> list[dict[str, Any]]:
    """The same persons after the rest of a pipeline: ``steps`` make targets, and pack."""
    samples = cropped(num, input_size)
    for step in steps:
        samples = [step(sample) for sample in samples]
    return samples


def render(folder: Path, *, num_train: int = 1, num_val: int = 1, layout: str = 'coco') -> Path:
    """A folder of easy rendered images; found again if ``folder`` is kept.

    Args:
        folder: The new folder is made in it.
        num_train, num_val: Images (PoseTrack18: videos).
        layout: ``'coco'`` or ``'posetrack18'``.
    """
    spec = make_spec(layout, num_train=num_train, num_val=num_val)
    folder = folder / f'{layout}_{num_train}_{num_val}'
    generate(folder, spec, layout=layout, num_workers=len(os.sched_getaffinity(0)))
    return folder


def render_persons(folder: Path, num: int) -> Path:
    """A folder that has at least so many persons in its validation images."""
    return render(folder, num_val=max(1, round(num * IMAGES_PER_PERSON)))


def first_persons(folder: Path, num: int) -> tuple[str, int]:
    """An annotation file of the first validation images with at least ``num`` persons.

    Returns:
        The file, relative to ``folder``, and how many persons it has.
    """
    content = json.loads((folder / ANNOTATIONS).read_text())
    persons = _by_image(content)
    images, kept = [], []
    for image in content['images']:
        if len(kept) >= num:
            break
        images.append(image)
        kept += persons[image['id']]
    name = f'annotations/val_{num}_persons.json'
    write_json(folder / name, {**content, 'images': images, 'annotations': kept})
    return name, len(kept)


def make_video(folder: Path, num_frames: int) -> tuple[str, np.ndarray]:
    """A video with ten persons in each frame.

    Returns:
        The file, and the boxes (F, 10, 4).
    """
    tiles = _single_persons(render(folder, num_val=SINGLES))
    side = len(tiles[0][0])
    path = str(folder / f'video_{num_frames}.mp4')
    writer = cv2.VideoWriter(
        path, cv2.VideoWriter_fourcc(*'mp4v'), 10, (COLUMNS * side, ROWS * side)
    )
    corners = [np.tile([x, y], 2) * side for y in range(ROWS) for x in range(COLUMNS)]
    boxes = []
    for index in range(num_frames):
        chosen = [tiles[(index + place) % len(tiles)] for place in range(COLUMNS * ROWS)]
        images = [image for image, _ in chosen]
        rows = [
            np.hstack(images[start : start + COLUMNS]) for start in range(0, len(images), COLUMNS)
        ]
        writer.write(np.vstack(rows))
        boxes.append([box + corner for (_, box), corner in zip(chosen, corners)])
    writer.release()
    return path, np.array(boxes, np.float32)


def _single_persons(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images that show one person, and its box x1, y1, x2, y2."""
    content = json.loads((folder / ANNOTATIONS).read_text())
    persons = _by_image(content)
    singles = [image for image in content['images'] if len(persons[image['id']]) == 1]
    found = []
    for image in singles:
        x, y, w, h = persons[image['id']][0]['bbox']
        path = folder / 'val2017' / image['file_name']
        found.append((cv2.imread(str(path)), np.array([x, y, x + w, y + h])))
    return found


def _by_image(content: dict[str, Any]) -> dict[int, list[dict]]:
    """Annotations by the id of their image."""
    persons: dict[int, list[dict]] = defaultdict(list)
    for annotation in content['annotations']:
        persons[annotation['image_id']].append(annotation)
    return persons

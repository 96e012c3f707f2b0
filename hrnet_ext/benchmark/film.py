"""A video with ten people in every frame, made of rendered pictures of one person each.

Legend: F frames; P people; boxes (F, P, 4) as x1, y1, x2, y2 in pixels of the frame.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from hrnet_ext.benchmark.rendered import ANNOTATIONS, render
from hrnet_ext.benchmark.stage import Stage

COLUMNS, ROWS = 5, 2
PICTURES = 40  # to choose from: enough with one person
FRAMES_PER_SECOND = 10


@dataclass(frozen=True)
class Film:
    """A video file and who is where in it."""

    path: str
    boxes: np.ndarray

    @property
    def num_people(self) -> int:
        """P."""
        return self.boxes.shape[1]


def make_film(stage: Stage, num_frames: int) -> Film:
    """Write such a video.

    Args:
        stage: Has the folder for it.
        num_frames: F.
    """
    tiles = _tiles(render(stage, num_train=1, num_val=PICTURES))
    side = tiles[0][0].shape[0]
    path = stage.folder / f'film_{num_frames}.mp4'
    size = (COLUMNS * side, ROWS * side)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), FRAMES_PER_SECOND, size)
    boxes = []
    for index in range(num_frames):
        chosen = [tiles[(index + place) % len(tiles)] for place in range(COLUMNS * ROWS)]
        rows = [chosen[start : start + COLUMNS] for start in range(0, len(chosen), COLUMNS)]
        writer.write(np.vstack([np.hstack([tile for tile, _ in row]) for row in rows]))
        boxes.append([_moved(box, place, side) for place, (_, box) in enumerate(chosen)])
    writer.release()
    return Film(str(path), np.array(boxes, np.float32))


def _tiles(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pictures with one person and its box, x, y, w, h."""
    content = json.loads((folder / ANNOTATIONS.format(split='val')).read_text())
    boxes: dict[int, list] = {}
    for annotation in content['annotations']:
        boxes.setdefault(annotation['image_id'], []).append(annotation['bbox'])
    return [
        (cv2.imread(str(folder / 'val2017' / image['file_name'])), np.array(boxes[image['id']][0]))
        for image in content['images']
        if len(boxes.get(image['id'], [])) == 1
    ]


def _moved(box: np.ndarray, place: int, side: int) -> np.ndarray:
    row, column = divmod(place, COLUMNS)
    corner = box[:2] + np.array([column, row]) * side
    return np.concatenate([corner, corner + box[2:]])

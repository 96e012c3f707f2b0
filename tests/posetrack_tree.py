"""PoseTrack18 data of two short videos, written where a test asks for it."""

import json
from pathlib import Path

import cv2
import numpy as np

from hrnet_ext.conversion.posetrack_merge import merge_sequences
from tests.posetrack_cases import sequence, standing

NAMES = ('000001_mpii_test', '000002_mpii_test')
SIZE = (640, 1200)  # w, h
SQUARE = [(500, 0), (630, 0), (630, 90), (500, 90)]


def people(num_frames: int = 3, **changes) -> list[list[dict]]:
    """Two people standing still, nobody in the last frame."""
    pair = [standing(0, at=100, **changes), standing(1, at=400, **changes)]
    return [*([pair] * (num_frames - 1)), []]


def videos() -> dict[str, dict]:
    """Two videos, one with an ignore region."""
    return {
        name: sequence(people(), name, {0: [SQUARE]} if i else {}) for i, name in enumerate(NAMES)
    }


def detections(merged: dict, *, tracked: bool = False) -> list[dict]:
    """Boxes around the annotated people, the n-th scored 0.9 - n / 100."""
    boxes = []
    for number, annotation in enumerate(merged['annotations']):
        x, y, w, _ = annotation['bbox_head']
        box = {
            'image_id': annotation['image_id'],
            'category_id': 1,
            'bbox': [x - 20, y, w + 40, 1100 - y],
            'score': 0.9 - number / 100,
        }
        boxes.append({**box, 'track_id': annotation['track_id'] + 7} if tracked else box)
    return boxes


def write_tree(root: Path) -> dict:
    """PoseTrack18's layout below ``root``, with a merged file and boxes; the merged content."""
    merged = merge_sequences(videos(), dict.fromkeys(NAMES, SIZE))
    write(root / 'annotations/posetrack18_val.json', merged)
    write(root / 'annotations/boxes.json', detections(merged))
    write(root / 'annotations/tracked_boxes.json', detections(merged, tracked=True))
    for name, content in videos().items():
        write(root / f'annotations/val/{name}.json', content)
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for image in merged['images']:
        path = root / image['file_name']
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture)
    return merged


def write(path: Path, content: object) -> None:
    """Write a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))

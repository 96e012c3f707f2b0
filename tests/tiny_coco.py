"""A COCO data set of a few small pictures, written where a test asks for it."""

import json
from pathlib import Path

import cv2
import numpy as np

SIDE = 96  # pixels, pictures are square
NUM_KEYPOINTS = 17


def person(index: int, image_id: int, box: tuple[int, int, int, int]) -> dict:
    """An annotation whose keypoints lie on a grid inside ``box`` (x, y, w, h)."""
    x, y, w, h = box
    columns, rows = np.meshgrid(np.linspace(x + 2, x + w - 3, 4), np.linspace(y + 2, y + h - 3, 5))
    points = np.stack([columns, rows], -1).reshape(-1, 2)[:NUM_KEYPOINTS]
    keypoints = np.c_[points.round(), np.full(NUM_KEYPOINTS, 2)]
    return {
        'id': index,
        'image_id': image_id,
        'category_id': 1,
        'bbox': list(box),
        'area': float(w * h) * 0.6,
        'iscrowd': 0,
        'num_keypoints': NUM_KEYPOINTS,
        'keypoints': keypoints.ravel().tolist(),
    }


def annotations(num_images: int = 3) -> dict:
    """``num_images`` pictures with two people each."""
    images = [
        {'id': index, 'file_name': f'{index:06}.png', 'width': SIDE, 'height': SIDE}
        for index in range(1, num_images + 1)
    ]
    boxes = [(4, 6, 36, 80), (50, 8, 40, 84)]
    people = [
        person(len(boxes) * image['id'] + index, image['id'], box)
        for image in images
        for index, box in enumerate(boxes)
    ]
    return {'images': images, 'annotations': people, 'categories': [{'id': 1, 'name': 'person'}]}


def detections(content: dict, score: float = 0.9) -> list[dict]:
    """The annotated boxes as a detector would have found them."""
    keys = ('image_id', 'category_id', 'bbox')
    return [{**{k: ann[k] for k in keys}, 'score': score} for ann in content['annotations']]


def write_coco(root: Path, num_images: int = 3) -> dict:
    """Write ``images/``, ``people.json`` and ``boxes.json`` below ``root``; the annotations."""
    content = annotations(num_images)
    (root / 'images').mkdir(parents=True)
    rng = np.random.default_rng(0)
    for image in content['images']:
        picture = rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        cv2.imwrite(str(root / 'images' / image['file_name']), picture)
    (root / 'people.json').write_text(json.dumps(content))
    (root / 'boxes.json').write_text(json.dumps(detections(content)))
    return content

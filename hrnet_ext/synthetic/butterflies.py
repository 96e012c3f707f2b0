"""Butterflies: five keypoints, a toy with which to try what a data set of one's own needs.

What is written::

    OUT/images/000001.jpg ...
    OUT/annotations/train.json, val.json     COCO's keypoint format

Legend: images are (SIDE, SIDE); points (x, y) in pixels; boxes (x, y, w, h). Butterflies are
seen from above, left and right are their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hrnet_ext.atomic_folder import atomic_folder
from hrnet_ext.synthetic.layouts.layout import write_annotations, write_image

SIDE = 128  # of an image, pixels
SPLITS = ('train', 'val')
KEYPOINTS = ('head', 'left_fore_wing', 'right_fore_wing', 'left_hind_wing', 'right_hind_wing')
CATEGORY = {'id': 1, 'name': 'butterfly', 'keypoints': list(KEYPOINTS), 'skeleton': []}

# A butterfly that looks up, its wings spread one unit to each side. The second point of a wing is
# its tip, a keypoint.
HEAD = (0.0, -0.4)
BODY = ((0.0, -0.4), (0.0, 0.4))
FORE_WING = ((0.0, -0.3), (1.0, -0.7), (0.7, 0.05), (0.0, 0.05))
HIND_WING = ((0.0, 0.0), (0.7, 0.75), (0.25, 0.55), (0.0, 0.3))
REACH = 1.25  # of the wings, with what their beat adds
SUBPIXEL_BITS = 4  # of the points that OpenCV draws


def write_butterflies(
    out: Path, *, num_train: int = 600, num_val: int = 100, seed: int = 0, replace: bool = False
) -> None:
    """Render a data set; the folder appears whole or not at all.

    Args:
        out: Folder to make.
        num_train: Images to train on, one butterfly in each.
        num_val: Images held out.
        seed: Random seed; equal arguments give equal files.
        replace: Whether a folder that is there gives way to the new one.

    Raises:
        FileExistsError: If ``out`` exists and ``replace`` is not set.
        ValueError: If a number of images is less than one.
    """
    counts = dict(zip(SPLITS, (num_train, num_val)))
    for split, count in counts.items():
        if count < 1:
            raise ValueError(f'num_{split} must be at least 1, got {count}')
    if out.exists() and not replace:
        raise FileExistsError(f'{out} exists; --overwrite replaces it')
    with atomic_folder(out, replace=out.exists()) as folder:
        first = 1
        for split, count in counts.items():
            entries = [
                _write_one(folder, image_id, seed) for image_id in range(first, first + count)
            ]
            contents = {
                'categories': [CATEGORY],
                'images': [image for image, _ in entries],
                'annotations': [annotation for _, annotation in entries],
            }
            write_annotations(folder / f'annotations/{split}.json', contents)
            first += count


def draw_butterfly(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image with a butterfly of any color, heading anywhere in the upper half plane.

    Returns:
        The image (SIDE, SIDE, 3) uint8 BGR, the keypoints (5, 2) in the order of ``KEYPOINTS``
        and the mask (SIDE, SIDE) bool of its pixels.
    """
    image = _meadow(rng)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    size = rng.uniform(0.2, 0.38) * SIDE
    center = rng.uniform(REACH * size, SIDE - REACH * size, 2)
    turn = _rotation(np.deg2rad(rng.uniform(-90, 90)))

    def place(points: Any) -> np.ndarray:
        return np.asarray(points) @ turn.T * size + center

    tips = []
    for wing, color in (
        (HIND_WING, rng.uniform(60, 255, 3)),
        (FORE_WING, rng.uniform(60, 255, 3)),
    ):
        beat = rng.uniform(-0.2, 0.2)  # both sides beat together
        for side in (-1, 1):
            points = place(np.asarray(wing) @ _rotation(beat).T * (side, 1))
            _fill(image, points, color * (0.9 if side < 0 else 1))
            _fill(mask, points, 1)
            tips.append(points[1])
    ends = np.rint(place(BODY)).astype(int).tolist()
    for canvas, color in ((image, (20, 20, 20)), (mask, 1)):
        cv2.line(canvas, *ends, color, thickness=max(2, round(size / 8)))
    hind, fore = tips[:2], tips[2:]
    return image, np.array([place(HEAD), *fore, *hind]), mask.astype(bool)


def _write_one(folder: Path, image_id: int, seed: int) -> tuple[dict, dict]:
    image, keypoints, mask = draw_butterfly(np.random.default_rng((seed, image_id)))
    name = f'{image_id:06}.jpg'
    write_image(folder / 'images' / name, image)
    rows, columns = np.nonzero(mask)
    x, y = int(columns.min()), int(rows.min())
    annotation = {
        'id': image_id,
        'image_id': image_id,
        'category_id': CATEGORY['id'],
        'iscrowd': 0,
        'bbox': [x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y],
        'area': int(mask.sum()),
        'num_keypoints': len(KEYPOINTS),
        'keypoints': np.c_[keypoints.round(2), np.full(len(KEYPOINTS), 2)].ravel().tolist(),
    }
    return {'id': image_id, 'file_name': name, 'width': SIDE, 'height': SIDE}, annotation


def _meadow(rng: np.random.Generator) -> np.ndarray:
    """A colored blur with some noise on it."""
    coarse = rng.uniform(0, 255, (5, 5, 3)).astype(np.float32) * (0.5, 0.8, 0.5)
    smooth = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + rng.normal(0, 10, smooth.shape), 0, 255).astype(np.uint8)


def _rotation(angle: float) -> np.ndarray:
    """The (2, 2) matrix that turns x towards y."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _fill(canvas: np.ndarray, points: np.ndarray, color: Any) -> None:
    fixed = np.rint(points * 2**SUBPIXEL_BITS).astype(np.int32)
    color = np.ravel(color).astype(float).tolist()
    # Outlines are softened on images alone: a mask knows no halves.
    line_type = cv2.LINE_AA if canvas.ndim == 3 else cv2.LINE_8
    cv2.fillPoly(canvas, [fixed], color, line_type, SUBPIXEL_BITS)

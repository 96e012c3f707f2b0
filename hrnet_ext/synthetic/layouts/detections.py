"""Simulated detector boxes, made from the ground truth.

Legend: boxes (x, y, w, h) in pixels, sizes (w, h).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_ext.synthetic.render import Person
from hrnet_ext.synthetic.scene import Size

DESCRIPTION = (
    'simulated: boxes around what is seen of people, with jitter, misses, doubles and false alarms'
)
MISSED = 0.04  # fraction of clearly visible people
DOUBLED = 0.05  # found a second time, worse and with a lower score
FALSE_ALARMS = 0.4  # per frame
JITTER = 0.04  # standard deviation of an edge, fraction of the box's side
WELL_SEEN = 0.02  # fraction of the frame's area at which a person is clearly visible
MIN_SIDE = 4.0  # pixels


def simulate_detections(
    rng: np.random.Generator, people: Sequence[Person], *, image_id: int, size: Size
) -> list[dict[str, Any]]:
    """Detections of a frame in COCO's result format, best first.

    Args:
        rng: Random generator.
        people: All people in it, annotated or not.
        image_id: Of the frame.
        size: Of the frame.
    """
    found: list[tuple[np.ndarray, float]] = []
    for person in people:
        found += _find(rng, person.mask)
    for _ in range(rng.poisson(FALSE_ALARMS)):
        side = rng.uniform(0.1, 0.5, size=2) * size
        corner = rng.uniform(0, 1, size=2) * (np.array(size) - side)
        found.append((np.concatenate([corner, corner + side]), rng.beta(1.5, 5)))
    found.sort(key=lambda each: -each[1])
    return [
        {
            'bbox': _inside(corners, size),
            'category_id': 1,
            'image_id': image_id,
            'score': round(float(score), 4),
        }
        for corners, score in found
    ]


def _find(rng: np.random.Generator, mask: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Corners (4,) and scores of the 0 to 2 detections of a person with a ``mask`` (H, W)."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return []
    corners = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=float)
    notice = min(mask.mean() / WELL_SEEN, 1) ** 0.5
    if rng.uniform() > notice * (1 - MISSED):
        return []
    found = [(_shaken(rng, corners, JITTER), float(rng.beta(14, 1.5) * (0.6 + 0.4 * notice)))]
    if rng.uniform() < DOUBLED:
        found.append((_shaken(rng, corners, 4 * JITTER), float(rng.uniform(0.1, 0.6) * notice)))
    return found


def _shaken(rng: np.random.Generator, corners: np.ndarray, spread: float) -> np.ndarray:
    sides = np.tile(corners[2:] - corners[:2], 2)
    return corners + np.clip(rng.normal(0, spread, size=4), -0.3, 0.3) * sides


def _inside(corners: np.ndarray, size: Size) -> list[float]:
    """The box (x, y, w, h) of corners, inside the frame and not degenerate."""
    low = np.clip(corners[:2], 0, np.array(size) - MIN_SIDE)
    high = np.clip(corners[2:], low + MIN_SIDE, size)
    return np.round([*low, *(high - low)], 2).tolist()

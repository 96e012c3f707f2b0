"""Trails of tracked persons.

Legend: images (H, W, 3) uint8, RGB; N persons; boxes (N, 4) x1, y1, x2, y2 in pixels.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from hrnet_ext.formats.metainfo import Color, track_color
from hrnet_ext.visualization.poses import Style, limb_thickness

TRAIL_LENGTH = 30  # frames
LONGEST_STEP = 0.3  # of the box's longer side in one frame; a longer one is a jump
NEWEST = 220  # opacity of a trail's newest part, of 255


class Place(NamedTuple):
    """A person's place: frame, middle of the box's lower edge, and the box's longer side."""

    frame: int
    x: float
    y: float
    side: float


class Trails:
    """The trails of the persons of a video, along the middles of the lower edges of their boxes.

    Old parts of a trail are fainter. A trail starts again after a frame without its person and
    after a jump, and is not drawn in frames without its person.

    Args:
        length: Number of frames in a trail.
    """

    def __init__(self, length: int = TRAIL_LENGTH) -> None:
        self.length = length
        self._places: dict[int, deque[Place]] = {}
        self._frame = 0

    def update(self, track_ids: np.ndarray, boxes: np.ndarray) -> None:
        """Add the positions of the persons in the next frame.

        Args:
            track_ids: (N,).
            boxes: (N, 4).
        """
        self._frame += 1
        for track_id, (x1, y1, x2, y2) in zip(track_ids.tolist(), boxes.tolist()):
            place = Place(self._frame, (x1 + x2) / 2, y2, max(x2 - x1, y2 - y1))
            places = self._places.setdefault(track_id, deque(maxlen=self.length))
            if places and not _is_step(places[-1], place):
                places.clear()
            places.append(place)
        self._places = {
            track_id: places
            for track_id, places in self._places.items()
            if places[-1].frame == self._frame
        }

    def draw(self, canvas: np.ndarray, style: Style) -> None:
        """Draw the trails of the persons in the frame on ``canvas``, in the colors of their tracks.

        Args:
            canvas: RGB.
            style: How persons are drawn; trails are half as thick as limbs.
        """
        for track_id, places in self._places.items():
            thickness = max(1, limb_thickness(places[-1].side, canvas.shape, style) // 2)
            ages = [1 - (self._frame - place.frame) / self.length for place in places]
            points = _smooth(np.array([place[1:3] for place in places]))
            _draw_fading(canvas, points, ages, track_color(track_id), thickness)


def _is_step(last: Place, place: Place) -> bool:
    """Whether a person can have walked from one place to the next."""
    distance = np.hypot(place.x - last.x, place.y - last.y)
    is_next = place.frame == last.frame + 1
    return is_next and bool(distance <= LONGEST_STEP * max(place.side, last.side))


def _smooth(points: np.ndarray) -> np.ndarray:
    """Points (P, 2), averaged over up to five frames, because boxes jitter."""
    index = np.arange(len(points))
    reach = np.minimum(np.minimum(index, index[::-1]), 2)
    sums = np.vstack([np.zeros(2), points.cumsum(axis=0)])
    return (sums[index + reach + 1] - sums[index - reach]) / (2 * reach + 1)[:, None]


def _draw_fading(
    canvas: np.ndarray, points: np.ndarray, strengths: list[float], color: Color, thickness: int
) -> None:
    """Blend a line through points (P, 2) into ``canvas``; ``strengths`` P, up to 1."""
    height, width = canvas.shape[:2]
    corner = np.clip(points.min(axis=0) - thickness - 1, 0, (width, height)).astype(int)
    end = np.clip(points.max(axis=0) + thickness + 2, 0, (width, height)).astype(int)
    region = canvas[corner[1] : end[1], corner[0] : end[0]]
    if not region.size:
        return
    opacity = np.zeros(region.shape[:2], np.uint8)
    inside = np.rint(points - corner).astype(int).tolist()
    for (a, b), strength in zip(pairwise(inside), strengths[1:]):
        cv2.line(opacity, a, b, round(NEWEST * strength), thickness, cv2.LINE_AA)
    weight = opacity[..., None] / np.float32(255)
    region[:] = np.rint(region + weight * (np.array(color, np.float32) - region))

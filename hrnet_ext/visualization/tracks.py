"""Labels and trails of people, drawn over their skeletons.

Legend: pictures (H, W, 3) uint8, RGB; N people; boxes (N, 4) x1, y1, x2, y2 in pixels.
"""

from __future__ import annotations

import colorsys
from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

Color = tuple[int, int, int]
PLAIN: Color = (60, 60, 60)
BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)
LUMA = (0.299, 0.587, 0.114)  # Rec. 601: how bright red, green and blue look
GOLDEN_RATIO = 0.618034  # successive hues a golden section apart stay apart
FONT = cv2.FONT_HERSHEY_SIMPLEX
TRAIL_LENGTH = 30  # frames
TRAIL_PATIENCE = 5  # frames


def track_color(track_id: int) -> Color:
    """RGB of a track, unlike that of its neighbours in number."""
    red, green, blue = colorsys.hsv_to_rgb(track_id * GOLDEN_RATIO % 1, 0.85, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_labels(
    picture: np.ndarray, boxes: np.ndarray, texts: Sequence[str], colors: Sequence[Color]
) -> None:
    """Write a text above each box, into ``picture`` itself.

    Args:
        picture: RGB.
        boxes: (N, 4).
        texts: N.
        colors: N, of the texts' background.
    """
    height, width = picture.shape[:2]
    scale = max(0.35, min(height, width) / 1000)
    for (x1, y1, *_), text, color in zip(np.rint(boxes).astype(int).tolist(), texts, colors):
        (text_width, text_height), baseline = cv2.getTextSize(text, FONT, scale, 1)
        label_width, label_height = text_width + 4, text_height + baseline + 2
        left = min(max(x1, 0), max(width - 1 - label_width, 0))
        top = min(max(y1 - label_height, 0), max(height - 1 - label_height, 0))
        corner = (left + label_width, top + label_height)
        cv2.rectangle(picture, (left, top), corner, color, cv2.FILLED)
        origin = (left + 2, top + text_height + 1)
        ink = BLACK if np.dot(color, LUMA) > 140 else WHITE
        cv2.putText(picture, text, origin, FONT, scale, ink, 1, cv2.LINE_AA)


class Trails:
    """Where the people of a video walked: the middles of their boxes' lower edges.

    Args:
        length: Frames that a trail goes back.
        patience: Frames that a trail stays for somebody who is not seen any more.
    """

    def __init__(self, length: int = TRAIL_LENGTH, patience: int = TRAIL_PATIENCE) -> None:
        self.length, self.patience = length, patience
        self._places: dict[int, deque[tuple[int, int]]] = {}
        self._last_seen: dict[int, int] = {}
        self._frame = 0

    def update(self, track_ids: np.ndarray, boxes: np.ndarray) -> None:
        """Add where the people (N,) are in the next frame.

        Args:
            track_ids: (N,).
            boxes: (N, 4).
        """
        self._frame += 1
        for track_id, (x1, _, x2, y2) in zip(track_ids.tolist(), boxes.tolist()):
            place = round((x1 + x2) / 2), round(y2)
            self._places.setdefault(track_id, deque(maxlen=self.length)).append(place)
            self._last_seen[track_id] = self._frame
        for track_id, frame in list(self._last_seen.items()):
            if frame < self._frame - self.patience:
                del self._places[track_id], self._last_seen[track_id]

    def draw(self, picture: np.ndarray) -> None:
        """Draw all trails into ``picture``, each in its track's colour."""
        thickness = max(2, round(min(picture.shape[:2]) / 200))
        for track_id, places in self._places.items():
            color = track_color(track_id)
            points = np.array(places, np.int32)
            cv2.polylines(picture, [points], False, color, thickness, cv2.LINE_AA)
            cv2.circle(picture, places[-1], thickness + 1, color, -1, cv2.LINE_AA)

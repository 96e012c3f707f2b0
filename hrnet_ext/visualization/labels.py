"""Labels beside persons.

Legend: images (H, W, 3) uint8, RGB; N people; corners (N, 2) x, y in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from hrnet_ext.formats.metainfo import Color

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)
LUMA = (0.299, 0.587, 0.114)  # Rec. 601: weights of red, green and blue in the brightness
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_labels(
    canvas: np.ndarray, corners: np.ndarray, texts: Sequence[str], colors: Sequence[Color]
) -> None:
    """Write labels into ``canvas``, moved into the image if necessary.

    Args:
        canvas: RGB.
        corners: (N, 2), the lower left corners of the labels.
        texts: N texts; empty ones are left out.
        colors: N background colors.
    """
    height, width = canvas.shape[:2]
    scale = max(0.35, min(height, width) / 1000)
    thickness = max(1, round(2 * scale))
    for (x, y), text, color in zip(np.rint(corners).astype(int).tolist(), texts, colors):
        if not text:
            continue
        (text_width, text_height), baseline = cv2.getTextSize(text, FONT, scale, thickness)
        label_width, label_height = text_width + 4, text_height + baseline + 2
        left = min(max(x, 0), max(width - 1 - label_width, 0))
        top = min(max(y - label_height, 0), max(height - 1 - label_height, 0))
        corner = (left + label_width, top + label_height)
        cv2.rectangle(canvas, (left, top), corner, color, cv2.FILLED)
        origin = (left + 2, top + text_height + 1)
        ink = BLACK if np.dot(color, LUMA) > 140 else WHITE
        cv2.putText(canvas, text, origin, FONT, scale, ink, thickness, cv2.LINE_AA)

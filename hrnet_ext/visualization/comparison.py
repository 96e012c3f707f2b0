"""Ground truth and prediction side by side, left and right limbs in colours of their own.

Legend: images (H, W, 3) uint8, BGR; keypoints (N, K, 2) in image space, pixels (x, y);
drawn (N, K) bool, whether a keypoint is drawn. Colours tell the person's left from right, so that
a swap of the two is seen at a glance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

LEFT, RIGHT, MIDDLE = (60, 160, 255), (255, 150, 40), (90, 220, 90)  # orange, blue, green
SIDES = (("person's left", LEFT), ("person's right", RIGHT), ('middle', MIDDLE))
INK, PAPER = (40, 40, 40), (245, 245, 245)
MIN_HEIGHT = 384  # pixels; smaller pictures are enlarged, so that joints can be told apart
STRIP = 26  # height of a line of text
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Skeleton:
    """What is drawn of a person.

    Args:
        names: The K keypoints' names; ``left_`` and ``right_`` say the side.
        links: Limbs as pairs of keypoint indices.
    """

    names: Sequence[str]
    links: Sequence[tuple[int, int]]

    def color(self, *keypoints: int) -> tuple[int, int, int]:
        """BGR of a keypoint, or of a limb by its two ends: a side's only if both are on it."""
        for side, color in (('left', LEFT), ('right', RIGHT)):
            if all(self.names[k].startswith(side) for k in keypoints):
                return color
        return MIDDLE


def draw_people(
    image: np.ndarray, keypoints: np.ndarray, *, drawn: np.ndarray, skeleton: Skeleton
) -> np.ndarray:
    """A copy of an image (H, W, 3) with N people on it.

    Args:
        image: BGR.
        keypoints: (N, K, 2) in image space.
        drawn: (N, K); a limb needs both ends.
        skeleton: K keypoints' names and limbs.
    """
    canvas = image.copy()
    thickness = max(1, round(min(image.shape[:2]) / 160))
    for person, shown in zip(np.rint(keypoints).astype(int), drawn):
        for a, b in skeleton.links:
            if shown[a] and shown[b]:
                color = skeleton.color(a, b)
                cv2.line(canvas, _xy(person[a]), _xy(person[b]), color, thickness, cv2.LINE_AA)
        for k in np.flatnonzero(shown):
            center = _xy(person[k])
            cv2.circle(canvas, center, thickness + 2, INK, -1, cv2.LINE_AA)
            cv2.circle(canvas, center, thickness + 1, skeleton.color(k), -1, cv2.LINE_AA)
    return canvas


def side_by_side(
    image: np.ndarray,
    truth: tuple[np.ndarray, np.ndarray],
    prediction: tuple[np.ndarray, np.ndarray],
    *,
    skeleton: Skeleton,
) -> np.ndarray:
    """Ground truth on the left, prediction on the right, titles above and a legend below.

    Args:
        image: (H, W, 3), BGR; enlarged to at least ``MIN_HEIGHT`` high.
        truth: Keypoints (N, K, 2) in image space and which to draw (N, K).
        prediction: As ``truth``.
        skeleton: K keypoints' names and limbs.

    Returns:
        One picture (H', W', 3), BGR.
    """
    scale = max(1.0, MIN_HEIGHT / image.shape[0])
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    halves = []
    for title, (keypoints, drawn) in (('ground truth', truth), ('prediction', prediction)):
        # OpenCV aligns the borders of enlarged pixels, not their centres
        points = (keypoints + 0.5) * scale - 0.5
        picture = draw_people(large, points, drawn=drawn, skeleton=skeleton)
        halves.append(np.vstack([_text_line(title, picture.shape[1]), picture]))
    gap = np.full((halves[0].shape[0], 6, 3), PAPER, np.uint8)
    both = np.hstack([halves[0], gap, halves[1]])
    return np.vstack([both, _legend(both.shape[1])])


def contact_sheet(pictures: Sequence[np.ndarray], num_columns: int = 2) -> np.ndarray:
    """Pictures (H_i, W_i, 3) of any sizes in a grid, row by row, on plain paper."""
    height = max(picture.shape[0] for picture in pictures)
    width = max(picture.shape[1] for picture in pictures)
    num_rows = -(-len(pictures) // num_columns)
    sheet = np.full((num_rows * height, num_columns * width, 3), PAPER, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // num_columns * height, i % num_columns * width
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet


def _xy(point: np.ndarray) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _text_line(text: str, width: int) -> np.ndarray:
    line = np.full((STRIP, width, 3), PAPER, np.uint8)
    cv2.putText(line, text, (6, STRIP - 8), FONT, 0.5, INK, 1, cv2.LINE_AA)
    return line


def _legend(width: int) -> np.ndarray:
    line = np.full((STRIP, width, 3), PAPER, np.uint8)
    x = 12
    for text, color in SIDES:
        cv2.circle(line, (x, STRIP // 2), 6, color, -1, cv2.LINE_AA)
        cv2.putText(line, text, (x + 12, STRIP - 8), FONT, 0.5, INK, 1, cv2.LINE_AA)
        x += 36 + cv2.getTextSize(text, FONT, 0.5, 1)[0][0]
    return line

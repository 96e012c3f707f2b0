"""Ground truth and prediction side by side.

Legend: images (H, W, 3) uint8, RGB; keypoints in image space, pixels (x, y). Colors tell the
person's left from right, so that a swap of the two is seen at a glance.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from hrnet_ext.formats.palette import INK, LEGEND, PAPER
from hrnet_ext.visualization.labels import FONT
from hrnet_ext.visualization.poses import Style, draw_poses

MIN_HEIGHT = 384  # pixels; smaller images are enlarged, so that joints can be told apart
STRIP = 26 / MIN_HEIGHT  # height of a line of text, of the image's
FIELDS = ('keypoints', 'keypoint_scores', 'keypoints_visible', 'bboxes', 'bbox_scores')


def side_by_side(
    image: np.ndarray, truth: Mapping[str, Any] | None, prediction: Mapping[str, Any], style: Style
) -> np.ndarray:
    """Ground truth on the left, prediction on the right, titles above and a legend below.

    Args:
        image: (H, W, 3); enlarged to at least ``MIN_HEIGHT`` high.
        truth: Its people as :func:`~hrnet_ext.visualization.poses.draw_poses` takes them; None
            where nobody is annotated. The prediction then stands alone, as it does if no keypoint
            is visible or all are at (0, 0), where MMPose puts those of detected boxes.
        prediction: As ``truth``.
        style: How people are drawn.

    Returns:
        One image (H', W', 3).
    """
    scale = max(1.0, MIN_HEIGHT / image.shape[0])
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    strip = round(STRIP * min(large.shape[0], 2 * large.shape[1]))
    titled = {'prediction': prediction}
    if truth is not None and np.any(truth['keypoints']) and np.any(truth['keypoints_visible'] > 0):
        titled = {'ground truth': truth, **titled}
    halves = []
    for title, people in titled.items():
        drawn = draw_poses(large, _enlarged(people, scale), style)
        halves.append(np.vstack([_text_line(title, drawn.shape[1], strip), drawn]))
    gap = np.full((halves[0].shape[0], max(6, strip // 4), 3), PAPER, np.uint8)
    both = np.hstack([halves[0], gap, halves[1]]) if len(halves) > 1 else halves[0]
    return np.vstack([both, _legend(both.shape[1], strip)])


def gather(instances: Iterable[Any]) -> dict[str, np.ndarray]:
    """The people of several samples of one image as those of one, see :data:`FIELDS`.

    Args:
        instances: ``InstanceData`` or dicts, at least one.
    """
    instances = list(instances)
    return {
        field: np.concatenate([np.asarray(each.get(field)) for each in instances])
        for field in FIELDS
        if all(field in each for each in instances)
    }


def contact_sheet(images: Sequence[np.ndarray], num_columns: int = 2) -> np.ndarray:
    """Images (H_i, W_i, 3) of any sizes in a grid, row by row, on plain paper."""
    height = max(image.shape[0] for image in images)
    width = max(image.shape[1] for image in images)
    num_rows = -(-len(images) // num_columns)
    sheet = np.full((num_rows * height, num_columns * width, 3), PAPER, np.uint8)
    for i, image in enumerate(images):
        top, left = i // num_columns * height, i % num_columns * width
        sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
    return sheet


def _enlarged(people: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """OpenCV aligns the borders of enlarged pixels, not their centers."""
    moved = {
        field: (np.asarray(people.get(field)) + 0.5) * scale - 0.5
        for field in ('keypoints', 'bboxes')
        if field in people
    }
    return {**people, **moved}


def _text_line(text: str, width: int, height: int) -> np.ndarray:
    line = np.full((height, width, 3), PAPER, np.uint8)
    _write(line, text, 6)
    return line


def _legend(width: int, height: int) -> np.ndarray:
    line = np.full((height, width, 3), PAPER, np.uint8)
    x = height // 2
    for text, color in LEGEND:
        cv2.circle(line, (x, height // 2), height // 4, INK, -1, cv2.LINE_AA)
        cv2.circle(line, (x, height // 2), height // 4 - 1, color, -1, cv2.LINE_AA)
        x += height + _write(line, text, x + height // 2)
    return line


def _write(line: np.ndarray, text: str, x: int) -> int:
    """Write into a strip, at least half its height; the text's width in pixels."""
    scale = len(line) / 52
    thickness = max(1, round(1.5 * scale))
    place = (x, round(len(line) * 0.7))
    cv2.putText(line, text, place, FONT, scale, INK, thickness, cv2.LINE_AA)
    return cv2.getTextSize(text, FONT, scale, thickness)[0][0]

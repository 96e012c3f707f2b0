"""The affine map from image space to input space, as MMPose and the official release make it.

Legend: centre (x, y) and scale (w, h) of a box in image space; size (w, h) of the input.
"""

from functools import lru_cache

import cv2
import numpy as np


def warp_matrix(
    center: np.ndarray, scale: np.ndarray, rotation: float, size: tuple[int, int]
) -> np.ndarray:
    """``mmpose.structures.bbox.get_warp_matrix`` to the bit, without most of its arrays.

    Three points fix the map: the box's centre, the middle of its left side, and the one at a right
    angle to both; they go to the input's.

    Args:
        center: (2,).
        scale: (2,); its width counts, as the box has the input's aspect ratio.
        rotation: Degrees.
        size: Of the input.

    Returns:
        (2, 3).
    """
    angle = np.deg2rad(rotation)
    half_width = float(scale[0] * -0.5)
    left = (
        float(center[0]) + float(np.cos(angle)) * half_width,
        float(center[1]) + float(np.sin(angle)) * half_width,
    )
    source = _three_points((float(center[0]), float(center[1])), left)
    return cv2.getAffineTransform(source, _of_input(size))


@lru_cache(maxsize=16)
def _of_input(size: tuple[int, int]) -> np.ndarray:
    width, height = size
    return _three_points((width * 0.5, height * 0.5), (0.0, height * 0.5))


def _three_points(center: tuple[float, float], left: tuple[float, float]) -> np.ndarray:
    """(3, 2) float32, in which the third point is computed, too."""
    points = np.array([center, left, left], np.float32)
    (center_x, center_y), (left_x, left_y) = points[:2]
    points[2] = left_x - (center_y - left_y), left_y + (center_x - left_x)
    return points

"""The affine map from image space to input space, as in MMPose and the official release.

Legend: center (x, y) and scale (w, h) of a box in image space; size (w, h) of the input.
"""

from functools import lru_cache

import cv2
import numpy as np


def warp_matrix(
    center: np.ndarray, scale: np.ndarray, rotation: float, size: tuple[int, int]
) -> np.ndarray:
    """Bit-equal to ``mmpose.structures.bbox.get_warp_matrix``, with fewer arrays.

    Three points of the box define the map: its center, the middle of its left side, and a third
    point at a right angle to them. They map to the same points of the input.

    Args:
        center: (2,).
        scale: (2,); only its width is used, as the box has the input's aspect ratio.
        rotation: Degrees.
        size: Size of the input.

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
    """(3, 2) float32; the third point is also computed in float32."""
    points = np.array([center, left, left], np.float32)
    (center_x, center_y), (left_x, left_y) = points[:2]
    points[2] = left_x - (center_y - left_y), left_y + (center_x - left_x)
    return points

"""Crop a person by an affine map: OpenCV's pixels in less time.

Legend: image (H, W) or (H, W, C), rows and columns in any order; center (x, y) and scale (w, h) of
a box in image space, pixels.
"""

import math
import threading
from functools import lru_cache

import cv2
import numpy as np

MARGIN = 3  # pixels around the used part; bilinear interpolation needs one, rounding another
MAX_SHARE = 8  # image pixels per input pixel up to which four channels are faster


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


def warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)``, equal to the bit.

    Only the part of the image that is used is processed, in two ways that save time:

    - A mirrored image, which is a NumPy view, would be copied byte by byte for OpenCV; here OpenCV
      mirrors the used part.
    - OpenCV is slower with three channels of bytes than with four, so a fourth is added.
    """
    box = looked_up(matrix, size, image.shape[:2])
    if box is None:
        return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
    part, flip_code = _upright(image[box])
    widen = _gains_from_four_channels(part, size)
    if flip_code is None and not widen:
        return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
    canvas = _canvas((*image.shape[:2], 4) if widen else image.shape, image.dtype)
    if widen and flip_code is None:
        cv2.cvtColor(part, cv2.COLOR_BGR2BGRA, dst=canvas[box])
    else:
        part = cv2.cvtColor(part, cv2.COLOR_BGR2BGRA) if widen else part
        cv2.flip(part, flip_code, dst=canvas[box])
    warped = cv2.warpAffine(canvas, matrix, size, flags=cv2.INTER_LINEAR)
    return cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR) if widen else warped


def looked_up(
    matrix: np.ndarray, size: tuple[int, int], shape: tuple[int, int]
) -> tuple[slice, slice] | None:
    """Rows and columns of an image (H, W) that an input shows; None if there are none.

    Computed without NumPy, which is slower for only four corners.
    """
    (a, b, shift_x), (c, d, shift_y) = matrix.tolist()
    determinant = a * d - b * c
    if not determinant or not math.isfinite(determinant):
        return None
    width, height = size
    corners = [(x - shift_x, y - shift_y) for x in (0, width) for y in (0, height)]
    columns = _span([(d * x - b * y) / determinant for x, y in corners], shape[1])
    rows = _span([(a * y - c * x) / determinant for x, y in corners], shape[0])
    return (rows, columns) if rows and columns else None


def _span(places: list[float], end: int) -> slice | None:
    """The range of ``places`` plus ``MARGIN``, clipped to 0 ... ``end``."""
    low, high = min(places) - MARGIN, max(places) + MARGIN
    if not (low < end and high > 0):  # also false for NaN
        return None
    return slice(math.floor(max(low, 0)), math.ceil(min(high, end)))


def _upright(image: np.ndarray) -> tuple[np.ndarray, int | None]:
    """The image in memory order, and the code of ``cv2.flip`` that restores the given image."""
    upside_down, mirrored = image.strides[0] < 0, image.strides[1] < 0
    if not (upside_down or mirrored):
        return image, None
    code = -1 if upside_down and mirrored else int(mirrored)
    return image[:: -1 if upside_down else 1, :: -1 if mirrored else 1], code


def _gains_from_four_channels(part: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether adding a fourth channel of bytes is possible and faster."""
    if part.dtype != np.uint8 or part.shape[2:] != (3,):
        return False
    few = part.shape[0] * part.shape[1] <= MAX_SHARE * size[0] * size[1]
    return few and four_channels_agree()


@lru_cache(maxsize=1)
def four_channels_agree() -> bool:
    """Whether this build of OpenCV, on this processor, interpolates all channels equally.

    All tested builds do, but OpenCV does not guarantee it, so it is tested once.
    """
    image = np.random.RandomState(0).randint(0, 256, (61, 83, 3), np.uint8)
    matrix = np.array([[1.31, -0.72, 20.4], [0.72, 1.31, -29.6]])
    size, flags = (96, 128), cv2.INTER_LINEAR
    wide = cv2.warpAffine(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), matrix, size, flags=flags)
    return bool((wide[..., :3] == cv2.warpAffine(image, matrix, size, flags=flags)).all())


class _Scratch(threading.local):
    """Memory for images that a thread reuses, because allocating it is slower."""

    memory = np.empty(0, np.uint8)


_scratch = _Scratch()


def _canvas(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An uninitialized array that is valid until the next call."""
    num_bytes = math.prod(shape) * dtype.itemsize
    if _scratch.memory.size < num_bytes:
        _scratch.memory = np.empty(num_bytes, np.uint8)
    return _scratch.memory[:num_bytes].view(dtype).reshape(shape)

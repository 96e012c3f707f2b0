"""What a session is given, checked: an image, boxes, crops; needs numpy alone.

Legend: N boxes of one image, (N, 4) x1, y1, x2, y2 in pixels of the image.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def checked_image(image: Any) -> np.ndarray:
    """The image, if it is one: (H, W, 3) uint8, BGR.

    Raises:
        ValueError: If it is not; says what it is and what makes an image of it.
    """
    wanted = 'an image should be (H, W, 3) uint8, BGR, but'
    if not isinstance(image, np.ndarray):
        raise ValueError(f'{wanted} is {type(image).__name__}; read files by cv2.imread(path)')
    what = f'{wanted} is {image.shape} {image.dtype}'
    if image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1):
        raise ValueError(f'{what}; make it cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)')
    if image.ndim == 3 and image.shape[2] == 4:
        raise ValueError(f'{what}; make it cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)')
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(what)
    if image.dtype == np.uint16:
        raise ValueError(f'{what}; make it (image / 257).round().astype(numpy.uint8)')
    if image.dtype != np.uint8:
        raise ValueError(f'{what}; bring its values to 0 to 255 and its type to numpy.uint8')
    return image


def checked_boxes(boxes: Any, image_size: tuple[int, int]) -> np.ndarray:
    """Boxes (N, 4) float32, each with at least one pixel of the image; nobody is (0, 4).

    Args:
        boxes: (N, 4), or (N, 5) with scores, which are not used.
        image_size: (w, h).

    Raises:
        ValueError: If they are not such; names the first that is at fault.
    """
    try:
        array = np.asarray(boxes, np.float32)
    except (ValueError, TypeError):
        raise ValueError(f'boxes should be (N, 4), x1 y1 x2 y2, but are {boxes!r:.80}') from None
    if not array.size:
        return np.zeros((0, 4), np.float32)
    if array.ndim != 2 or array.shape[1] not in (4, 5):
        raise ValueError(f'boxes should be (N, 4), x1 y1 x2 y2, but are {array.shape}')
    for index, box in enumerate(array[:, :4]):
        fault = _fault_of(box, image_size)
        if fault:
            raise ValueError(f'box {index} {fault}: {box.tolist()}')
    return array[:, :4]


def _fault_of(box: np.ndarray, image_size: tuple[int, int]) -> str:
    x1, y1, x2, y2 = box
    width, height = image_size
    if not np.isfinite(box).all():
        return 'is not finite'
    if x2 <= x1 or y2 <= y1:
        return 'has no area; give (x1, y1, x2, y2), not (x, y, w, h)'
    if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
        return f'is outside of the image ({width}x{height})'
    return ''


def checked_crops(crops: Any, input_size: tuple[int, int]) -> np.ndarray:
    """Crops (B, H, W, 3) uint8, BGR.

    Raises:
        ValueError: If they are not such, or not of ``input_size`` (w, h).
    """
    crops = np.asarray(crops)
    width, height = input_size
    if crops.dtype != np.uint8 or crops.shape[1:] != (height, width, 3):
        raise ValueError(
            f'crops should be (B, {height}, {width}, 3) uint8, BGR, but are {crops.shape} '
            f'{crops.dtype}'
        )
    return crops

"""Images in memory, as every entrance of the package takes them; needs numpy, grey ones OpenCV.

An image is a numpy array, uint8: (H, W) or (H, W, 1) grey, (H, W, 3) BGR, or (H, W, 4) BGRA, whose
alpha is not used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CHANNELS = (1, 3, 4)


def check_image(image: Any, what: str) -> None:
    """Make sure that something is an image.

    Args:
        image: It.
        what: What messages call it.

    Raises:
        ValueError: If it is none; says what it is and what makes an image of it.
    """
    wanted = f'{what} should be (H, W, 3) BGR, (H, W) grey or (H, W, 4) BGRA, uint8, not empty, but'
    if not isinstance(image, np.ndarray):
        raise ValueError(f'{wanted} is {type(image).__name__}; read files by cv2.imread(path)')
    is_shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] in CHANNELS)
    if not is_shaped or not image.size:
        raise ValueError(f'{wanted} is {image.shape} {image.dtype}')
    if image.dtype == np.uint16:
        cure = 'make it (image / 257).round().astype(numpy.uint8)'
    else:
        cure = 'bring its values to 0 to 255 and its type to numpy.uint8'
    if image.dtype != np.uint8:
        raise ValueError(f'{wanted} is {image.shape} {image.dtype}; {cure}')


def as_bgr(image: Any, what: str = 'an image') -> np.ndarray:
    """The image as (H, W, 3) uint8, BGR, its memory in order; no copy where it is that already.

    Args:
        image: It.
        what: What messages call it.

    Raises:
        ValueError: If it is none; says what it is and what makes an image of it.
    """
    check_image(image, what)
    pixels = image if image.ndim == 3 else image[..., None]
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3])


def with_channels(image: Any, num_channels: int, what: str = 'an image') -> np.ndarray:
    """The image with as many channels as a network takes.

    Args:
        image: It.
        num_channels: 3 for (H, W, 3) BGR, 1 for (H, W) grey; others must be there.
        what: What messages call it.

    Raises:
        ValueError: If it is none, or lacks channels.
    """
    if num_channels == 3:
        return as_bgr(image, what)
    check_image(image, what)
    given = 1 if image.ndim == 2 else image.shape[2]
    if num_channels == 1 == given:
        return image.reshape(image.shape[:2])
    if num_channels == 1:
        import cv2  # here: others need none

        return cv2.cvtColor(as_bgr(image), cv2.COLOR_BGR2GRAY)
    if given != num_channels:
        raise ValueError(f'{what} has {given} channels, but this model takes {num_channels}')
    return np.ascontiguousarray(image)

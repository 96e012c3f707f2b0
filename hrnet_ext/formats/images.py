"""Images in memory, in the form that all public functions accept; needs NumPy, for gray OpenCV.

An image is a NumPy array, uint8: (H, W) or (H, W, 1) gray, (H, W, 3) BGR, or (H, W, 4) BGRA, whose
alpha is ignored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CHANNELS = (1, 3, 4)


def check_image(image: Any, what: str) -> None:
    """Check that an argument is an image.

    Args:
        image: The argument.
        what: Its name in messages.

    Raises:
        ValueError: If it is not; says what it is and how to convert it.
    """
    wanted = f'{what} should be (H, W, 3) BGR, (H, W) gray or (H, W, 4) BGRA, uint8, not empty, but'
    if not isinstance(image, np.ndarray):
        raise ValueError(f'{wanted} is {type(image).__name__}; read files by cv2.imread(path)')
    is_shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] in CHANNELS)
    if not is_shaped or not image.size:
        raise ValueError(f'{wanted} is {image.shape} {image.dtype}')
    if image.dtype == np.uint16:
        cure = 'convert it by (image / 257).round().astype(numpy.uint8)'
    else:
        cure = 'scale its values to 0 to 255 and convert it to numpy.uint8'
    if image.dtype != np.uint8:
        raise ValueError(f'{wanted} is {image.shape} {image.dtype}; {cure}')


def as_bgr(image: Any, what: str = 'an image') -> np.ndarray:
    """The image as contiguous (H, W, 3) uint8, BGR; copied only if needed.

    Args:
        image: The image.
        what: Its name in messages.

    Raises:
        ValueError: If it is not an image; says what it is and how to convert it.
    """
    check_image(image, what)
    pixels = image if image.ndim == 3 else image[..., None]
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3])


def with_channels(image: Any, num_channels: int, what: str = 'an image') -> np.ndarray:
    """The image with the number of channels that a network expects.

    Args:
        image: The image.
        num_channels: 3 for (H, W, 3) BGR, 1 for (H, W) gray; other numbers are only checked.
        what: Its name in messages.

    Raises:
        ValueError: If it is not an image, or its number of channels does not fit.
    """
    if num_channels == 3:
        return as_bgr(image, what)
    check_image(image, what)
    given = 1 if image.ndim == 2 else image.shape[2]
    if num_channels == 1 == given:
        return image.reshape(image.shape[:2])
    if num_channels == 1:
        import cv2  # imported here: only this case needs it

        return cv2.cvtColor(as_bgr(image), cv2.COLOR_BGR2GRAY)
    if given != num_channels:
        raise ValueError(f'{what} has {given} channels, but this model needs {num_channels}')
    return np.ascontiguousarray(image)

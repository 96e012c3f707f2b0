"""Decode JPEGs faster than usual: whole and to the bit, or at reduced size.

Legend: images (H, W, 3), BGR, uint8; ``content`` is that of a file of any kind.
"""

from functools import lru_cache

import cv2
import numpy as np

from hrnet_ext.datasets.transforms.jpeg_header import jpeg_shape

try:
    import simplejpeg
except ImportError:
    simplejpeg = None

REDUCED_FLAGS = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
SAMPLINGS = ('444', '422', '420')


def decode_whole(content: bytes) -> np.ndarray | None:
    """The image as OpenCV sees it, by simplejpeg where that is installed; None if by OpenCV only.

    Both contain libjpeg-turbo; the way there is shorter through simplejpeg.
    """
    if not decoders_agree() or jpeg_shape(content) is None:
        return None
    try:
        _, _, colors, sampling = simplejpeg.decode_jpeg_header(content)
        plain = colors == 'YCbCr' and sampling in SAMPLINGS
        return simplejpeg.decode_jpeg(content, 'BGR') if plain else None
    except ValueError:  # it is broken; OpenCV may still see a part
        return None


def decode_reduced(content: bytes, reduction: int) -> tuple[np.ndarray, tuple[int, int]] | None:
    """The image at 1 / ``reduction`` of its size, and the shape (H, W) of the whole one.

    A JPEG is stored as waves in blocks of 8 x 8 pixels: leaving out the short ones decodes a
    smaller, smooth picture, and leaves out most of the work.

    Args:
        content: Of a file.
        reduction: 2, 4 or 8.

    Returns:
        None if it is no JPEG, or may have to be turned.
    """
    shape = jpeg_shape(content)
    if shape is None:
        return None
    image = cv2.imdecode(np.frombuffer(content, np.uint8), REDUCED_FLAGS[reduction])
    return None if image is None else (image, shape)


@lru_cache(maxsize=1)
def decoders_agree() -> bool:
    """Whether simplejpeg is there, and decodes pictures of every kind as OpenCV does."""
    if simplejpeg is None:
        return False
    noise = np.random.RandomState(0).randint(0, 256, (23, 37, 3), np.uint8)
    image = cv2.resize(noise, (139, 87), interpolation=cv2.INTER_CUBIC)
    contents = [
        simplejpeg.encode_jpeg(image, quality, 'BGR', sampling)
        for quality in (60, 95)
        for sampling in SAMPLINGS
    ]
    return all(
        np.array_equal(
            simplejpeg.decode_jpeg(content, 'BGR'),
            cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR),
        )
        for content in contents
    )

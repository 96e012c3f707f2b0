"""Decode JPEGs at reduced size, and map reduced pixels to the full image.

Legend: image space = (x, y) pixels of the full image; reduced space = those of the reduced one;
boxes (x1, y1, x2, y2) in image space; input_size is (w, h), shapes are (H, W).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from hrnet_ext.datasets.transforms.jpeg_header import jpeg_shape

REDUCTIONS = {  # the reduction factors of libjpeg
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}


def choose_reduction(box: np.ndarray, input_size: tuple[int, int]) -> int:
    """8, 4 or 2 if a box is at least that many times as large as the input, else 1.

    Args:
        box: (4,). The larger of the ratios of width and height counts.
        input_size: Input size of the network.
    """
    times = max((box[2] - box[0]) / input_size[0], (box[3] - box[1]) / input_size[1])
    return next((reduction for reduction in REDUCTIONS if times >= reduction), 1)


def decode_reduced(content: bytes, reduction: int) -> tuple[np.ndarray, tuple[int, int]] | None:
    """The image (h, w, 3), BGR, at 1 / ``reduction`` of its size, and its full shape (H, W).

    A JPEG stores each block of 8 x 8 pixels as frequencies. Leaving out the high ones decodes a
    smaller image and saves most of the work.

    Args:
        content: Content of any file.
        reduction: 2, 4 or 8.

    Returns:
        None if it is not a JPEG, or if EXIF data may ask for a rotation.
    """
    shape = jpeg_shape(content)
    if shape is None:
        return None
    image = cv2.imdecode(np.frombuffer(content, np.uint8), REDUCTIONS[reduction])
    return None if image is None else (image, shape)


def from_reduced(
    reduction: int,
    shape: tuple[int, int],
    reduced_shape: tuple[int, int],
    flip_direction: str | None = None,
) -> np.ndarray:
    """The affine map (3, 3) from reduced to image space.

    A reduced pixel is the mean of ``reduction`` x ``reduction`` pixels; its center is the mean of
    theirs. If the image size is not a multiple of ``reduction``, mirroring has moved the incomplete
    pixels from the right and the bottom to the left and the top.

    Args:
        reduction: 2, 4 or 8.
        shape: Shape of the full image.
        reduced_shape: Shape of the reduced image.
        flip_direction: How both were mirrored: 'horizontal', 'vertical', 'diagonal', or None.
    """
    shift_x = shift_y = (reduction - 1) / 2
    if flip_direction in ('horizontal', 'diagonal'):
        shift_x += shape[1] - reduction * reduced_shape[1]
    if flip_direction in ('vertical', 'diagonal'):
        shift_y += shape[0] - reduction * reduced_shape[0]
    return np.array([[reduction, 0, shift_x], [0, reduction, shift_y], [0, 0, 1]], np.float64)


def check_croppers(transforms: Sequence) -> None:
    """Reject a pipeline that reduces images but crops them as if they had full size.

    Args:
        transforms: The built steps.

    Raises:
        ValueError: If a step has ``reduce_for`` and a step with ``input_size`` does not support it.
    """
    if not any(getattr(step, 'reduce_for', None) for step in transforms):
        return
    croppers = [step for step in transforms if hasattr(step, 'input_size')]
    for step in croppers:
        if not getattr(step, 'crops_reduced', False):
            raise ValueError(
                f'{type(step).__name__} cannot crop images that LoadImage(reduce_for=...) has '
                "reduced; use type='hrnet_ext.TopdownAffine'"
            )

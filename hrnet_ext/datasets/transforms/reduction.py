"""How much smaller a picture may be decoded, and where the smaller one's pixels lie.

Legend: image space = (x, y) pixels of the whole picture; reduced space = those of the smaller one;
boxes (x1, y1, x2, y2) in image space; input_size is (w, h), shapes are (H, W).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from hrnet_ext.datasets.transforms.jpeg_header import jpeg_shape

REDUCTIONS = {  # what libjpeg decodes at once
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}


def choose_reduction(box: np.ndarray, input_size: tuple[int, int]) -> int:
    """8, 4 or 2 if a box is at least so many times as large as the input, else 1.

    Args:
        box: (4,). The side decides that an input which shows the whole box is filled by.
        input_size: Of the network.
    """
    times = max((box[2] - box[0]) / input_size[0], (box[3] - box[1]) / input_size[1])
    return next((reduction for reduction in REDUCTIONS if times >= reduction), 1)


def decode_reduced(content: bytes, reduction: int) -> tuple[np.ndarray, tuple[int, int]] | None:
    """The image (h, w, 3), BGR, at 1 / ``reduction`` of its size, and the whole one's (H, W).

    A JPEG stores each block of 8 x 8 pixels as frequencies. Leaving out the high ones decodes a
    smaller image and saves most of the work.

    Args:
        content: Of a file of any kind.
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

    A reduced pixel is the mean of ``reduction`` x ``reduction`` ones: its centre lies between
    theirs. Where they do not go evenly into the whole picture, mirroring has moved the incomplete
    ones from the right and the bottom to the left and the top.

    Args:
        reduction: 2, 4 or 8.
        shape: Of the whole picture.
        reduced_shape: Of the smaller one.
        flip_direction: How both were mirrored: 'horizontal', 'vertical', 'diagonal', or None.
    """
    shift_x = shift_y = (reduction - 1) / 2
    if flip_direction in ('horizontal', 'diagonal'):
        shift_x += shape[1] - reduction * reduced_shape[1]
    if flip_direction in ('vertical', 'diagonal'):
        shift_y += shape[0] - reduction * reduced_shape[0]
    return np.array([[reduction, 0, shift_x], [0, reduction, shift_y], [0, 0, 1]], np.float64)


def check_croppers(transforms: Sequence) -> None:
    """Refuse a pipeline that reduces pictures and crops as if they were whole.

    Args:
        transforms: The built steps.

    Raises:
        ValueError: If one has ``reduce_for``, and one with an ``input_size`` does not know of it.
    """
    if not any(getattr(step, 'reduce_for', None) for step in transforms):
        return
    croppers = [step for step in transforms if hasattr(step, 'input_size')]
    for step in croppers:
        if not getattr(step, 'crops_reduced', False):
            raise ValueError(
                f'{type(step).__name__} would take a picture that LoadImage(reduce_for=...) has '
                "reduced for a whole one; use type='hrnet_ext.TopdownAffine'"
            )

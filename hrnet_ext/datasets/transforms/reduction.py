"""Decode JPEGs at reduced size, and map reduced pixels to the full image.

Legend: image space = (x, y) pixels of the full image.
"""

from collections.abc import Sequence

import cv2
import numpy as np

JPEG = b'\xff\xd8'
EXIF = b'Exif\x00\x00'
SIZE_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # SOF0 ... SOF15, table B.1
SCAN_MARKER = 0xDA
ROUNDING = 1  # pixel by which tools that resize images differ
TURNED = (
    "width and height are exchanged, so the file's EXIF orientation was applied on one side only; "
    "if the annotations are of the pixels as stored, set color_type='color_ignore_orientation' of "
    'LoadImage, else annotate the image as it is shown'
)
RESIZED = (
    'is it a resized copy, or another image of that name? Use the images that were annotated, or '
    'multiply their annotations, width and height by the same factors'
)
REDUCTIONS = {  # the reduction factors of libjpeg
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}


def jpeg_shape(content: bytes) -> tuple[int, int] | None:
    """The image's height and width; None if it is not a JPEG, or EXIF data may rotate it.

    Args:
        content: Content of any file.
    """
    place, end = len(JPEG), len(content) - 9
    while content.startswith(JPEG) and place < end and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], 'big')
        if marker in SIZE_MARKERS:
            height, width = content[place + 5 : place + 7], content[place + 7 : place + 9]
            return int.from_bytes(height, 'big'), int.from_bytes(width, 'big')
        if marker == SCAN_MARKER or content[place + 4 : place + 10] == EXIF:
            return None
        place += 2 + length
    return None


def check_size(path: str, annotated: tuple[int, int] | None, decoded: tuple[int, int]) -> None:
    """Compare an image's size with that in the annotation file.

    Annotated boxes and keypoints are in pixels of the annotated size, so crops from an image of
    another size are wrong.

    Args:
        path: The image, for the message.
        annotated: (h, w) of the annotation file; None if it is not known.
        decoded: (h, w) of the image as it was read.

    Raises:
        ValueError: If they differ by more than a pixel.
    """
    if annotated is None or _same(annotated, decoded):
        return
    cause = TURNED if _same(annotated[::-1], decoded) else RESIZED
    raise ValueError(
        f'image `{path}` is {decoded[1]} x {decoded[0]} pixels (width x height), but the '
        f'annotation file says {annotated[1]} x {annotated[0]}: {cause}'
    )


def _same(size: tuple[int, int], other: tuple[int, int]) -> bool:
    return all(abs(a - b) <= ROUNDING for a, b in zip(size, other))


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

"""The box of a person whose keypoints are annotated."""

from collections.abc import Sequence

import numpy as np

EXTENSION = 0.15  # of width and of height, half on either side; Xiao et al. and Sun et al., 4.3


def keypoint_box(
    keypoints: np.ndarray, head_box: Sequence[float] | None = None, extension: float = EXTENSION
) -> list[float] | None:
    """The box around a person's labelled keypoints, extended.

    Somebody of whom less is labelled than a head measures, such as the nose alone, has a box of
    the head's size around it: without, the crop would show a few pixels. Where no head box tells
    that size there is no box.

    Args:
        keypoints: (K, 3) as (x, y, visibility), pixels; labelled where the visibility is not 0.
        head_box: (x, y, w, h) of the person's head.
        extension: Share of its width and of its height by which the box grows.

    Returns:
        (x, y, w, h), not clipped to the image; None if there is none.
    """
    labelled = keypoints[keypoints[:, 2] > 0, :2]
    if not len(labelled):
        return None
    low, high = labelled.min(axis=0), labelled.max(axis=0)
    extent = high - low
    head = max(head_box[2:]) if head_box is not None else 0
    if extent.max() < head:
        extent[:] = head
    if not extent.any():
        return None
    size = (1 + extension) * np.maximum(extent, 1)  # at least a pixel: keypoints may be in a line
    return [*((low + high - size) / 2).tolist(), *size.tolist()]

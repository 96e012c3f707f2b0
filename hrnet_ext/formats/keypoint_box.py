"""A bounding box from annotated keypoints."""

from collections.abc import Sequence

import numpy as np

EXTENSION = 0.15  # of width and of height, half on each side; Xiao et al. and Sun et al., 4.3


def keypoint_box(
    keypoints: np.ndarray, head_box: Sequence[float] | None = None, extension: float = EXTENSION
) -> list[float] | None:
    """The box around a person's labeled keypoints, extended.

    If the labeled keypoints span less than the head box, for example only the nose, the box has the
    head's size, because otherwise the crop would contain only a few pixels. Without a head box the
    size of a single keypoint is unknown, and there is no box.

    Args:
        keypoints: (K, 3) as (x, y, visibility), pixels; labeled if the visibility is not 0.
        head_box: (x, y, w, h) of the person's head.
        extension: Fraction of width and height that is added to the box.

    Returns:
        (x, y, w, h), not clipped to the image; None if there is none.
    """
    labeled = keypoints[keypoints[:, 2] > 0, :2]
    if not len(labeled):
        return None
    low, high = labeled.min(axis=0), labeled.max(axis=0)
    extent = high - low
    head = max(head_box[2:]) if head_box is not None else 0
    if extent.max() < head:
        extent[:] = head
    if not extent.any():
        return None
    size = (1 + extension) * np.maximum(extent, 1)  # at least a pixel: keypoints may be in a line
    return [*((low + high - size) / 2).tolist(), *size.tolist()]

"""Preprocessing of frames for optical flow: checks, conversion to gray, downscaling.

A frame is an image, see :mod:`hrnet_ext.formats.images`.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from hrnet_ext.formats.images import as_bgr, check_image


def frame_size(frame: np.ndarray) -> tuple[int, int]:
    """(w, h) of a frame.

    Raises:
        ValueError: If it is not a valid frame.
    """
    check_image(frame, 'a frame')
    return frame.shape[1], frame.shape[0]


def as_grey(frame: np.ndarray) -> np.ndarray:
    """A gray copy (H, W), because the caller may draw on the frame before the next one."""
    if frame_size(frame) and frame.ndim == 3 and frame.shape[2] > 1:
        return cv2.cvtColor(as_bgr(frame), cv2.COLOR_BGR2GRAY)
    return frame.reshape(frame.shape[:2]).copy()


@dataclass(frozen=True)
class Picture:
    """A frame preprocessed for the flow.

    Attributes:
        pixels: (H, W) or (H, W, 3), possibly smaller than the frame.
        size: (w, h) of the frame.
    """

    pixels: np.ndarray
    size: tuple[int, int]

    @property
    def scale(self) -> np.ndarray:
        """Prepared pixels per pixel of the frame, (2,) for x and y."""
        return np.array(self.pixels.shape[1::-1]) / self.size

    def places(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the frame, in prepared pixels."""
        return (points + 0.5) * self.scale - 0.5


def grey_picture(frame: np.ndarray, max_side: int) -> Picture:
    """The frame in gray, with the longer side at most ``max_side`` pixels."""
    grey, size = as_grey(frame), frame_size(frame)
    scale = max_side / max(size)
    if scale >= 1:
        return Picture(grey, size)
    small = tuple(max(1, round(side * scale)) for side in size)
    return Picture(cv2.resize(grey, small, interpolation=cv2.INTER_AREA), size)


def check_sizes(previous: Picture, current: Picture) -> None:
    """Check that the frames of a video have the same size.

    Raises:
        ValueError: If they do not.
    """
    if previous.size != current.size:
        raise ValueError(
            f'a frame of {current.size[0]}x{current.size[1]} follows one of '
            f'{previous.size[0]}x{previous.size[1]}; call reset() when a new video starts, or '
            'resize the frames to one size'
        )

"""Frames as optical flow takes them: checked, grey or BGR, and made smaller.

A frame is (H, W, 3) BGR, (H, W) or (H, W, 1) grey, uint8.
"""

from dataclasses import dataclass

import cv2
import numpy as np


def frame_size(frame: np.ndarray) -> tuple[int, int]:
    """(w, h) of a frame.

    Raises:
        ValueError: If it is no frame.
    """
    if not isinstance(frame, np.ndarray):
        raise ValueError(
            'a frame should be an array (H, W, 3) BGR or (H, W) grey, '
            f'but is {type(frame).__name__}'
        )
    channels = frame.shape[2] if frame.ndim == 3 else 1
    if frame.ndim not in (2, 3) or channels not in (1, 3) or frame.size == 0:
        raise ValueError(
            f'a frame should be (H, W, 3) BGR or (H, W) grey and not empty, but is {frame.shape}'
        )
    if frame.dtype != np.uint8:
        raise ValueError(
            f'a frame should be uint8, 0 to 255, but is {frame.dtype}; convert it with '
            'numpy.clip(frame, 0, 255).astype(numpy.uint8), scaled if it is 0 to 1'
        )
    return frame.shape[1], frame.shape[0]


def as_grey(frame: np.ndarray) -> np.ndarray:
    """The frame as (H, W), a copy: its user may draw on it before the next one comes."""
    frame_size(frame)
    if frame.ndim == 3 and frame.shape[2] == 3:
        return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    return frame.reshape(frame.shape[:2]).copy()


def as_bgr(frame: np.ndarray) -> np.ndarray:
    """The frame as (H, W, 3), a copy."""
    frame_size(frame)
    if frame.ndim == 3 and frame.shape[2] == 3:
        return frame.copy()
    return cv2.cvtColor(as_grey(frame), cv2.COLOR_GRAY2BGR)


@dataclass(frozen=True)
class Picture:
    """A frame made ready for the flow.

    Attributes:
        pixels: (H, W) or (H, W, 3), perhaps smaller than the frame.
        size: (w, h) of the frame.
    """

    pixels: np.ndarray
    size: tuple[int, int]

    @property
    def scale(self) -> np.ndarray:
        """Pixels of the picture per pixel of the frame, (2,) for x and y."""
        return np.array(self.pixels.shape[1::-1]) / self.size

    def places(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the frame in the picture."""
        return (points + 0.5) * self.scale - 0.5


def grey_picture(frame: np.ndarray, max_side: int) -> Picture:
    """The frame grey, its longer side at most ``max_side`` pixels."""
    grey, size = as_grey(frame), frame_size(frame)
    scale = max_side / max(size)
    if scale >= 1:
        return Picture(grey, size)
    small = tuple(max(1, round(side * scale)) for side in size)
    return Picture(cv2.resize(grey, small, interpolation=cv2.INTER_AREA), size)


def check_sizes(previous: Picture, current: Picture) -> None:
    """The frames of a video have to be of one size.

    Raises:
        ValueError: If they are not.
    """
    if previous.size != current.size:
        raise ValueError(
            f'a frame of {current.size[0]}x{current.size[1]} follows one of '
            f'{previous.size[0]}x{previous.size[1]}; call reset() where a new video starts, or '
            'bring the frames to one size'
        )

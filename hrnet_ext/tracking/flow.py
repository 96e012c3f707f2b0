"""Optical flow between two frames: dense and sampled at the keypoints, or only at the keypoints.

N: number of persons; K: number of keypoints, (x, y) in pixels of the frame. A dense flow (H, W, 2)
is the motion (x, y) of every pixel from the previous frame to the current one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from hrnet_ext.formats.images import as_bgr, check_image

DenseFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]

LEAST_SIDE = 16  # pixels; DIS compares patches of 8
MOST_DRIFT = 1.0  # pixels, largest forward-backward error of Lucas-Kanade
WINDOW = {'winSize': (11, 11), 'maxLevel': 3}  # limbs are thin: a larger window contains background
STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.01)  # steps, pixels


def frame_size(frame: np.ndarray) -> tuple[int, int]:
    """(w, h) of a frame.

    Raises:
        ValueError: If it is not a valid frame.
    """
    check_image(frame, 'a frame')
    return frame.shape[1], frame.shape[0]


def as_gray(frame: np.ndarray) -> np.ndarray:
    """A gray copy (H, W), because the caller may draw on the frame before the next one."""
    if frame_size(frame) and frame.ndim == 3 and frame.shape[2] > 1:
        return cv2.cvtColor(as_bgr(frame), cv2.COLOR_BGR2GRAY)
    return frame.reshape(frame.shape[:2]).copy()


@dataclass(frozen=True)
class PreparedFrame:
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


def to_gray(frame: np.ndarray, max_side: int) -> PreparedFrame:
    """The frame in gray, with the longer side at most ``max_side`` pixels."""
    gray, size = as_gray(frame), frame_size(frame)
    scale = max_side / max(size)
    if scale >= 1:
        return PreparedFrame(gray, size)
    small = tuple(max(1, round(side * scale)) for side in size)
    return PreparedFrame(cv2.resize(gray, small, interpolation=cv2.INTER_AREA), size)


def check_sizes(previous: PreparedFrame, current: PreparedFrame) -> None:
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


class DisFlow:
    """Dense inverse search (Kroeger et al., 2016), OpenCV's.

    Args:
        max_side: Longer side of the compared images in pixels; larger frames are downscaled.
    """

    def __init__(self, max_side: int = 480) -> None:
        self.max_side = max_side
        self._dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def prepare(self, frame: np.ndarray) -> PreparedFrame:
        """The frame in gray, downscaled."""
        return to_gray(frame, self.max_side)

    def move(
        self,
        previous: PreparedFrame,
        current: PreparedFrame,
        keypoints: np.ndarray,
        present: np.ndarray,
    ) -> np.ndarray:
        """Keypoints of the previous frame where they are in the current one."""
        check_sizes(previous, current)
        if min(previous.pixels.shape) < LEAST_SIDE:
            return np.array(keypoints, np.float64)
        flow = self._dis.calc(previous.pixels, current.pixels, None)
        return moved_by(flow, keypoints, previous)


class CallableFlow:
    """A user's function of two BGR frames (H, W, 3) to the dense flow (H, W, 2) in pixels."""

    def __init__(self, function: DenseFunction) -> None:
        self.function = function

    def prepare(self, frame: np.ndarray) -> PreparedFrame:
        """The frame in color, at its original size."""
        return PreparedFrame(as_bgr(frame, 'a frame').copy(), frame_size(frame))

    def move(
        self,
        previous: PreparedFrame,
        current: PreparedFrame,
        keypoints: np.ndarray,
        present: np.ndarray,
    ) -> np.ndarray:
        """Keypoints of the previous frame where they are in the current one."""
        check_sizes(previous, current)
        flow = np.asarray(self.function(previous.pixels, current.pixels))
        width, height = current.size
        if flow.shape != (height, width, 2):
            raise ValueError(
                f'the flow function should return ({height}, {width}, 2), the motion (x, y) in '
                f'pixels of every pixel of the previous frame, but returned {flow.shape}'
            )
        return moved_by(flow, keypoints, previous)


def moved_by(flow: np.ndarray, keypoints: np.ndarray, prepared: PreparedFrame) -> np.ndarray:
    """Keypoints (..., 2) of a frame, each moved by the flow at its position.

    Args:
        flow: (H, W, 2), in pixels of the prepared frame; interpolated between pixels, and taken
            from the nearest pixel outside.
        keypoints: (..., 2), in pixels of the frame.
        prepared: The prepared previous frame.
    """
    x, y = np.moveaxis(prepared.places(np.asarray(keypoints, np.float64)), -1, 0)
    motion = [
        map_coordinates(flow[..., axis], [y, x], np.float64, order=1, mode='nearest')
        for axis in (0, 1)
    ]
    return keypoints + np.stack(motion, axis=-1) / prepared.scale


class LucasKanadeFlow:
    """OpenCV's pyramidal Lucas-Kanade flow, with a forward-backward check.

    A keypoint that is lost or outside the frame gets the median motion of the person's others.

    Args:
        max_side: Longer side of the compared images in pixels; larger frames are downscaled.
    """

    def __init__(self, max_side: int = 640) -> None:
        self.max_side = max_side

    def prepare(self, frame: np.ndarray) -> PreparedFrame:
        """The frame in gray, downscaled."""
        return to_gray(frame, self.max_side)

    def move(
        self,
        previous: PreparedFrame,
        current: PreparedFrame,
        keypoints: np.ndarray,
        present: np.ndarray,
    ) -> np.ndarray:
        """Positions of the previous frame's keypoints in the current frame."""
        check_sizes(previous, current)
        inside = ((keypoints >= 0) & (keypoints <= np.subtract(previous.size, 1))).all(axis=2)
        asked = present & inside
        motion = np.full(keypoints.shape, np.nan)
        places = previous.places(keypoints[asked])
        motion[asked] = motion_at(previous.pixels, current.pixels, places) / previous.scale
        return keypoints + np.where(np.isnan(motion), median_motion(motion), motion)


def motion_at(previous: np.ndarray, current: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Motion (M, 2) of the points (M, 2), NaN for lost ones; in pixels of the prepared frames."""
    if not len(points):
        return np.zeros((0, 2))
    start = np.asarray(points, np.float32)[:, None]
    end, found, _ = cv2.calcOpticalFlowPyrLK(
        previous, current, start, None, criteria=STOP, **WINDOW
    )
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(
        current, previous, end, None, criteria=STOP, **WINDOW
    )
    returned = np.linalg.norm(back - start, axis=2) <= MOST_DRIFT
    valid = (found > 0) & (found_back > 0) & returned
    return np.where(valid, (end - start)[:, 0], np.nan)


def median_motion(motion: np.ndarray) -> np.ndarray:
    """Median (N, 1, 2) of the known motions of each person, 0 if none is known.

    Args:
        motion: (N, K, 2), NaN if unknown.
    """
    unknown = np.isnan(motion).all(axis=1, keepdims=True)
    return np.nanmedian(np.where(unknown, 0.0, motion), axis=1, keepdims=True)


class Flow(Protocol):
    """An optical flow method. It is stateless: the caller keeps the previous frame."""

    def prepare(self, frame: np.ndarray) -> Any:
        """Preprocess a frame once, for the use with its previous and its next frame.

        Raises:
            ValueError: If it is not a valid frame.
        """
        ...

    def move(
        self, previous: Any, current: Any, keypoints: np.ndarray, present: np.ndarray
    ) -> np.ndarray:
        """Positions of the previous frame's keypoints in the current frame.

        Args:
            previous: The previous frame, prepared.
            current: The current frame, prepared.
            keypoints: (N, K, 2); those outside the frame move like the nearest border.
            present: (N, K) bool; positions of absent keypoints are meaningless.

        Returns:
            (N, K, 2) float64.

        Raises:
            ValueError: If the frames are of different sizes.
        """
        ...


class NoFlow:
    """No motion; frames may be None."""

    def prepare(self, frame: np.ndarray | None) -> None:
        """Nothing to preprocess."""

    def move(
        self, previous: None, current: None, keypoints: np.ndarray, present: np.ndarray
    ) -> np.ndarray:
        """The unchanged keypoints."""
        return np.array(keypoints, np.float64)


FLOWS: dict[str, Callable[[], Flow]] = {
    'dis': DisFlow,
    'lk': LucasKanadeFlow,
    'none': NoFlow,
}


def make_flow(kind: str | DenseFunction | Flow) -> Flow:
    """The optical flow method of the given kind.

    Args:
        kind: ``'dis'``, dense inverse search (Kroeger et al., 2016), dense and robust; ``'lk'``,
            pyramidal Lucas-Kanade only at the keypoints, several times faster; ``'none'``, no
            motion; a function of two BGR frames (previous, current) that returns the dense flow
            (H, W, 2) in pixels, for example a network; or an object with the methods of
            :class:`Flow`.

    Raises:
        ValueError: If there is no such kind.
    """
    if isinstance(kind, str) and kind in FLOWS:
        return FLOWS[kind]()
    if hasattr(kind, 'prepare') and hasattr(kind, 'move'):
        return kind
    if callable(kind):
        return CallableFlow(kind)
    raise ValueError(
        f'flow should be one of {sorted(FLOWS)} or a function (previous BGR, current BGR) -> '
        f'(H, W, 2), but is {kind!r}'
    )

"""Dense optical flow, computed once for two frames and read at the keypoints.

N: number of people; K: number of keypoints, (x, y) in pixels of the frame. A dense flow (H, W, 2)
is the motion (x, y) of every pixel from the previous frame to the current one.
"""

from collections.abc import Callable

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from hrnet_ext.formats.images import as_bgr
from hrnet_ext.tracking.frames import Picture, check_sizes, frame_size, grey_picture

DenseFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]

LEAST_SIDE = 16  # pixels; DIS compares patches of 8


class DisFlow:
    """Dense inverse search (Kroeger et al., 2016), OpenCV's.

    Args:
        max_side: The longer side of the pictures compared, pixels; larger frames are reduced.
    """

    def __init__(self, max_side: int = 480) -> None:
        self.max_side = max_side
        self._dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def prepare(self, frame: np.ndarray) -> Picture:
        """The frame grey and reduced."""
        return grey_picture(frame, self.max_side)

    def move(
        self, previous: Picture, current: Picture, keypoints: np.ndarray, present: np.ndarray
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

    def prepare(self, frame: np.ndarray) -> Picture:
        """The frame in colour, at its own size."""
        return Picture(as_bgr(frame, 'a frame').copy(), frame_size(frame))

    def move(
        self, previous: Picture, current: Picture, keypoints: np.ndarray, present: np.ndarray
    ) -> np.ndarray:
        """Keypoints of the previous frame where they are in the current one."""
        check_sizes(previous, current)
        flow = np.asarray(self.function(previous.pixels, current.pixels))
        width, height = current.size
        if flow.shape != (height, width, 2):
            raise ValueError(
                f'the flow function should give ({height}, {width}, 2), the motion (x, y) in '
                f'pixels of every pixel of the previous frame, but gave {flow.shape}'
            )
        return moved_by(flow, keypoints, previous)


def moved_by(flow: np.ndarray, keypoints: np.ndarray, picture: Picture) -> np.ndarray:
    """Keypoints (..., 2) of a frame, each moved by the flow at its place.

    Args:
        flow: (H, W, 2), in pixels of the picture; interpolated between them, and that of the
            nearest one outside.
        keypoints: (..., 2), in pixels of the frame.
        picture: What the flow starts from.
    """
    x, y = np.moveaxis(picture.places(np.asarray(keypoints, np.float64)), -1, 0)
    motion = [
        map_coordinates(flow[..., axis], [y, x], np.float64, order=1, mode='nearest')
        for axis in (0, 1)
    ]
    return keypoints + np.stack(motion, axis=-1) / picture.scale

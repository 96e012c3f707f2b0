"""Dense optical flow, computed for all pixels of two frames and sampled at the keypoints.

N: number of persons; K: number of keypoints, (x, y) in pixels of the frame. A dense flow (H, W, 2)
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
        max_side: Longer side of the compared images in pixels; larger frames are downscaled.
    """

    def __init__(self, max_side: int = 480) -> None:
        self.max_side = max_side
        self._dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def prepare(self, frame: np.ndarray) -> Picture:
        """The frame in gray, downscaled."""
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
        """The frame in color, at its original size."""
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
                f'the flow function should return ({height}, {width}, 2), the motion (x, y) in '
                f'pixels of every pixel of the previous frame, but returned {flow.shape}'
            )
        return moved_by(flow, keypoints, previous)


def moved_by(flow: np.ndarray, keypoints: np.ndarray, picture: Picture) -> np.ndarray:
    """Keypoints (..., 2) of a frame, each moved by the flow at its position.

    Args:
        flow: (H, W, 2), in pixels of the prepared frame; interpolated between pixels, and taken
            from the nearest pixel outside.
        keypoints: (..., 2), in pixels of the frame.
        picture: The prepared previous frame.
    """
    x, y = np.moveaxis(picture.places(np.asarray(keypoints, np.float64)), -1, 0)
    motion = [
        map_coordinates(flow[..., axis], [y, x], np.float64, order=1, mode='nearest')
        for axis in (0, 1)
    ]
    return keypoints + np.stack(motion, axis=-1) / picture.scale

"""Optical flow only at the keypoints.

N: number of persons; K: number of keypoints, (x, y) in pixels of the frame.
"""

import cv2
import numpy as np

from hrnet_ext.tracking.frames import Picture, check_sizes, grey_picture

MOST_DRIFT = 1.0  # pixels, largest forward-backward error
WINDOW = {'winSize': (11, 11), 'maxLevel': 3}  # limbs are thin: a larger window contains background
STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.01)  # steps, pixels


class LucasKanadeFlow:
    """OpenCV's pyramidal Lucas-Kanade flow, with a forward-backward check.

    A keypoint that is lost or outside the frame gets the median motion of the person's others.

    Args:
        max_side: Longer side of the compared images in pixels; larger frames are downscaled.
    """

    def __init__(self, max_side: int = 640) -> None:
        self.max_side = max_side

    def prepare(self, frame: np.ndarray) -> Picture:
        """The frame in gray, downscaled."""
        return grey_picture(frame, self.max_side)

    def move(
        self, previous: Picture, current: Picture, keypoints: np.ndarray, present: np.ndarray
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

"""A window that shows drawings, where OpenCV has windows."""

from __future__ import annotations

import re

import cv2
import numpy as np

STOP_KEYS = (27, ord('q'))  # Esc


def has_windows() -> bool:
    """Whether this OpenCV can open windows; the headless builds cannot."""
    found = re.search(r'^\s*GUI:\s*(\S+)', cv2.getBuildInformation(), re.MULTILINE)
    return found is not None and found.group(1) != 'NONE'


def check_windows() -> None:
    """Refuse to show drawings where there are no windows.

    Raises:
        ValueError: If this OpenCV has none.
    """
    if not has_windows():
        raise ValueError(
            f'show needs windows, which this OpenCV ({cv2.__version__}, headless) lacks: install '
            'opencv-python in its place, or write drawings to a folder instead'
        )


def show_image(drawing: np.ndarray, title: str, wait_time: float) -> bool:
    """Show a drawing and wait.

    Args:
        drawing: (H, W, 3) uint8, RGB.
        title: The window's.
        wait_time: Seconds; 0 waits for a key.

    Returns:
        Whether to go on: False if Esc or q was pressed.
    """
    cv2.imshow(title, cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))
    return cv2.waitKey(int(np.ceil(wait_time * 1000))) & 0xFF not in STOP_KEYS

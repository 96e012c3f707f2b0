"""Write drawings to files, or show them in a window."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from hrnet_ext.datasets.transforms import LoadImage
from hrnet_ext.writing import write_atomically


def read_image(path: str) -> np.ndarray:
    """Read an image as RGB.

    Raises:
        FileNotFoundError, ValueError: If it is missing or not an image; the message names it.
    """
    return cv2.cvtColor(LoadImage().transform({'img_path': path})['img'], cv2.COLOR_BGR2RGB)


def write_image(path: str | os.PathLike[str], image: np.ndarray) -> None:
    """Write an image atomically, in the format of the path's extension.

    Raises:
        OSError: If it cannot be written.
    """
    _, content = cv2.imencode(Path(path).suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_atomically(path, content.data)


def drawing_name(name: str) -> str:
    """The file name of a drawing: that of the image, or a PNG if OpenCV cannot write the format."""
    return name if cv2.haveImageWriter(name) else str(Path(name).with_suffix('.png'))


def drawing_names(paths: Iterable[str]) -> dict[str, str]:
    """The names of drawings by image path, relative to the common folder of the images.

    Frames of several videos keep the folders of their videos, because their base names are equal.
    """
    paths = list(paths)
    if not paths:
        return {}
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    return {path: drawing_name(os.path.relpath(path, folder or '.')) for path in paths}


STOP_KEYS = (27, ord('q'))  # Esc


def has_windows() -> bool:
    """Whether this OpenCV can open windows; the headless builds cannot."""
    found = re.search(r'^\s*GUI:\s*(\S+)', cv2.getBuildInformation(), re.MULTILINE)
    return found is not None and found.group(1) != 'NONE'


def check_windows() -> None:
    """Check that drawings can be shown in windows.

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
        title: Title of the window.
        wait_time: Seconds; 0 waits for a key.

    Returns:
        Whether to continue: False if Esc or q was pressed.
    """
    cv2.imshow(title, cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))
    return cv2.waitKey(int(np.ceil(wait_time * 1000))) & 0xFF not in STOP_KEYS

"""Image files: read, named and written.

Legend: images (H, W, 3) uint8, RGB.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from hrnet_ext.datasets.transforms import LoadImage
from hrnet_ext.writing import write_atomically


def read_image(path: str) -> np.ndarray:
    """An image file.

    Raises:
        FileNotFoundError, ValueError: If it is missing or no image; names it.
    """
    return cv2.cvtColor(LoadImage().transform({'img_path': path})['img'], cv2.COLOR_BGR2RGB)


def write_image(path: str | os.PathLike[str], image: np.ndarray) -> None:
    """Write an image in the format of the path's extension, whole or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    _, content = cv2.imencode(Path(path).suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_atomically(path, content.data)


def drawing_name(name: str) -> str:
    """The name of an image's drawing: its own, or a PNG where OpenCV cannot write such."""
    return name if cv2.haveImageWriter(name) else str(Path(name).with_suffix('.png'))


def drawing_names(paths: Iterable[str]) -> dict[str, str]:
    """Images' paths and the names of their drawings, relative to the folder they have in common.

    Frames of several videos, which share their base names, so keep their videos' folders.
    """
    paths = list(paths)
    if not paths:
        return {}
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    return {path: drawing_name(os.path.relpath(path, folder or '.')) for path in paths}

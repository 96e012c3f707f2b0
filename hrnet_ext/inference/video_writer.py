"""Write an mp4 that is whole, or not there under its name."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from mmengine.logging import print_log

# MPEG-4 part 2: every OpenCV can write it; VLC, mpv, ffmpeg and desktop players open it, browsers
# do not. `vp09` (slower) plays in browsers; `avc1` (H.264) is missing from OpenCV's wheels.
DEFAULT_CODEC = 'mp4v'


class VideoWriter:
    """A video that grows as ``STEM.partial.mp4`` and gets its name when it is closed.

    Args:
        path: The file.
        fps: Frames per second.
        size: (w, h); the last column or row of an odd size is cut off.
        codec: OpenCV's four letters.

    Raises:
        ValueError: If OpenCV cannot write such a file.
        OSError: If the folder cannot be made.
    """

    def __init__(
        self, path: Path, *, fps: float, size: tuple[int, int], codec: str = DEFAULT_CODEC
    ) -> None:
        self.path, self.count, self._size = path, 0, size
        self._partial = path.with_name(f'{path.stem}.partial{path.suffix}')
        path.parent.mkdir(parents=True, exist_ok=True)
        fourcc = cv2.VideoWriter_fourcc(*codec) if len(codec) == 4 else 0
        self._writer = cv2.VideoWriter(os.fspath(self._partial), fourcc, fps, size)
        if not self._writer.isOpened():
            raise ValueError(
                f'OpenCV {cv2.__version__} cannot write `{path}` with codec `{codec}` (mp4v always '
                'works in an .mp4); is the folder writable?'
            )

    def write(self, frame: np.ndarray) -> None:
        """Append a frame (H, W, 3) uint8, BGR, brought to the video's size."""
        if frame.shape[1::-1] != self._size:
            frame = cv2.resize(frame, self._size)
        self._writer.write(frame)
        self.count += 1

    def close(self) -> None:
        """Finish the file and give it its name; a warning tells if it lacks frames."""
        self._writer.release()
        capture = cv2.VideoCapture(os.fspath(self._partial))
        written = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        os.replace(self._partial, self.path)
        if written < self.count:
            print_log(
                f'{self.path} holds {written} of {self.count} frames: is the disk full?',
                'current',
                level=30,
            )

"""Drawings and predictions of a run, on disk.

Whatever ends a run, Ctrl-C included, the files that it has written so far are complete.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from mmengine.logging import print_log

from hrnet_ext.inference.frames import Frame, ImageSource, Source, base_name
from hrnet_ext.visualization.files import drawing_name, write_image
from hrnet_ext.writing import PARTIAL_SUFFIX, to_json, write_json

# FFmpeg's encoders. Browsers play H.264 and VP9; OpenCV cannot write H.264.
ENCODERS = {'h264': 'libx264', 'vp9': 'libvpx-vp9', 'mpeg4': 'mpeg4'}
FORMER_NAMES = {'avc1': 'h264', 'vp09': 'vp9', 'mp4v': 'mpeg4'}  # OpenCV's four letters
DEFAULT_CODEC = 'h264'
QUALITY = {
    'h264': {'preset': 'veryfast', 'crf': '16'},
    'vp9': {'deadline': 'realtime', 'cpu-used': '6', 'crf': '30', 'b:v': '0'},
    'mpeg4': {'qscale': '3'},
}


class VideoWriter:
    """A video that is written as ``STEM.partial.mp4`` and renamed when it is closed.

    Args:
        path: The file.
        fps: Frames per second.
        size: (w, h); the last column or row of an odd size is cut off.
        codec: One of ``ENCODERS``.

    Raises:
        ValueError: If there is no such codec, or FFmpeg cannot write such a file.
        ImportError: If PyAV is not installed.
        OSError: If the folder cannot be created.
    """

    def __init__(
        self, path: Path, *, fps: float, size: tuple[int, int], codec: str = DEFAULT_CODEC
    ) -> None:
        av, codec = _import_av(), check_codec(codec)
        self.path, self.count, self._size = path, 0, size
        self._to_frame = partial(av.VideoFrame.from_ndarray, format='rgb24')
        self._partial = path.with_name(f'{path.stem}.partial{path.suffix}')
        width, height = (side - side % 2 for side in size)
        if not (width and height):
            raise ValueError(f'`{path}`: a video of {size[0]}x{size[1]} is too small, 2x2 is least')
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = av.open(os.fspath(self._partial), 'w')
            rate = Fraction(fps).limit_denominator(1001)
            self._stream = self._file.add_stream(ENCODERS[codec], rate, options=QUALITY[codec])
            self._stream.width, self._stream.height = width, height
            self._stream.pix_fmt = 'yuv420p'
            self._file.start_encoding()  # opens the codec, which has limits of its own
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise ValueError(
                f'FFmpeg cannot write `{path}` with codec {codec} and {width}x{height} pixels '
                f'({error}); in an .mp4, h264 takes up to 16384 pixels a side, and vp9 more'
            ) from error

    def write(self, frame: np.ndarray) -> None:
        """Append a frame (H, W, 3) uint8, RGB, resized to the video's size."""
        if frame.shape[1::-1] != self._size:
            frame = cv2.resize(frame, self._size)
        height, width = self._stream.height, self._stream.width
        frame = np.ascontiguousarray(frame[:height, :width])
        self._file.mux(self._stream.encode(self._to_frame(frame)))
        self.count += 1

    def close(self) -> None:
        """Finish and rename the file."""
        self._file.mux(self._stream.encode(None))
        self._file.close()
        os.replace(self._partial, self.path)


def check_codec(codec: str) -> str:
    """The name of a codec; OpenCV's names of earlier versions are accepted.

    Raises:
        ValueError: If there is no such codec.
    """
    codec = FORMER_NAMES.get(codec, codec)
    if codec not in ENCODERS:
        raise ValueError(f'video codec {codec!r}: there are {", ".join(ENCODERS)}')
    return codec


def _import_av() -> ModuleType:
    try:
        import av
    except ImportError as error:
        raise ImportError('PyAV is needed to write videos: pip install av', name='av') from error
    return av


class Outputs(ABC):
    """Receives the results of each frame; close it, or use it in a ``with`` statement."""

    @abstractmethod
    def write(self, frame: Frame, instances: list[dict], drawing: np.ndarray | None) -> None:
        """Write the results of a frame.

        Args:
            frame: The frame.
            instances: Its persons, in the form of MMPose's ``split_instances``.
            drawing: (H, W, 3) uint8, RGB; None if nothing was drawn.
        """

    def close(self) -> None:
        """Finish the files."""
        return

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def make_outputs(
    source: Source, vis_out_dir: str, pred_out_dir: str, *, video_codec: str
) -> Outputs:
    """The outputs for a source."""
    if isinstance(source, ImageSource):
        return ImageOutputs(source, vis_out_dir, pred_out_dir)
    return VideoOutputs(source, vis_out_dir, pred_out_dir, video_codec=video_codec)


class ImageOutputs(Outputs):
    """A drawing and a JSON file for each image, with the name of the image.

    Args:
        source: The images.
        vis_out_dir: Folder for drawings; empty for none.
        pred_out_dir: Folder for predictions; empty for none.

    Raises:
        ValueError: If two images would have the same output name, or a drawing would overwrite
            its image.
    """

    def __init__(self, source: ImageSource, vis_out_dir: str, pred_out_dir: str) -> None:
        self.vis_out_dir, self.pred_out_dir = vis_out_dir, pred_out_dir
        if vis_out_dir and Path(vis_out_dir).suffix:
            raise ValueError(f'vis_out_dir of images should be a folder, but is `{vis_out_dir}`')
        if vis_out_dir or pred_out_dir:
            _check_names(source.paths)
        if vis_out_dir:
            for path in source.paths:
                refuse_overwriting(os.path.join(vis_out_dir, drawing_name(base_name(path))), path)

    def write(self, frame: Frame, instances: list[dict], drawing: np.ndarray | None) -> None:
        """See :class:`Outputs`."""
        if self.pred_out_dir:
            name = f'{Path(base_name(frame.path)).stem}.json'
            write_json(os.path.join(self.pred_out_dir, name), instances, indent=2)
        if self.vis_out_dir and drawing is not None:
            name = drawing_name(base_name(frame.path))
            write_image(os.path.join(self.vis_out_dir, name), drawing)


class VideoOutputs(Outputs):
    """One mp4 and one JSON list with an entry ``frame_id``, ``instances`` for each frame.

    Args:
        source: The video.
        vis_out_dir: Folder for the mp4, or its file name; empty for none.
        pred_out_dir: Folder for predictions; empty for none.
        video_codec: One of ``ENCODERS``.

    Raises:
        ValueError: If the mp4 would overwrite the video.
    """

    def __init__(
        self, source: Source, vis_out_dir: str, pred_out_dir: str, *, video_codec: str
    ) -> None:
        stem = Path(source.name).stem
        self._source, self._codec = source, video_codec
        self._json_path = Path(pred_out_dir, f'{stem}.json') if pred_out_dir else None
        self._video_path: Path | None = None
        self._json: JsonList | None = None
        self._video: VideoWriter | None = None
        if vis_out_dir:
            path = Path(vis_out_dir)
            self._video_path = path if path.suffix else path / f'{stem}.mp4'
            refuse_overwriting(self._video_path, source.path)
            check_codec(video_codec)
            _import_av()  # before the first frame

    def write(self, frame: Frame, instances: list[dict], drawing: np.ndarray | None) -> None:
        """See :class:`Outputs`."""
        if self._json_path:
            self._json = self._json or JsonList(self._json_path)
            self._json.append({'frame_id': frame.index, 'instances': instances})
        if self._video_path and drawing is not None:
            if self._video is None:
                size = drawing.shape[1], drawing.shape[0]
                self._video = VideoWriter(
                    self._video_path, fps=self._source.fps, size=size, codec=self._codec
                )
            self._video.write(drawing)

    def close(self) -> None:
        """Finish the files and log their paths."""
        with ExitStack() as stack:  # if one fails, the other is still closed
            for output in filter(None, (self._json, self._video)):
                stack.callback(print_log, f'{output.count} frames are in {output.path}', 'current')
                stack.callback(output.close)
        self._json = self._video = None


class JsonList:
    """A JSON list on disk that is valid after every entry.

    It is written as ``NAME.partial`` and renamed when it is closed.

    Args:
        path: The file.
    """

    END = b'\n]\n'

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self._partial = path.with_name(f'{path.name}{PARTIAL_SUFFIX}')
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._partial.open('w+b')
        self._file.write(b'[' + self.END)

    def append(self, entry: Any) -> None:
        """Append an entry."""
        text = to_json(entry)
        self._file.seek(-len(self.END), os.SEEK_END)
        self._file.write((',\n' if self.count else '\n').encode() + text.encode() + self.END)
        self._file.flush()
        self.count += 1

    def close(self) -> None:
        """Close and rename the file."""
        self._file.close()
        os.replace(self._partial, self.path)


def refuse_overwriting(output: str | os.PathLike[str], source: str) -> None:
    """Raise a ValueError if an output is its own input."""
    if os.path.realpath(output) == os.path.realpath(source):
        raise ValueError(f'`{source}` would be overwritten by its own drawing; name another folder')


def _check_names(paths: list[str]) -> None:
    """Raise an error if two images have the same stem, because predictions are named by it."""
    seen: dict[str, str] = {}
    for path in paths:
        stem = Path(base_name(path)).stem
        if stem in seen:
            raise ValueError(
                f'`{seen[stem]}` and `{path}` would both be written as {stem}; '
                'process them in two calls with different out_dir'
            )
        seen[stem] = path

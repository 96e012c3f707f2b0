"""Sources of frames: videos, cameras, and the videos of a data set."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import urlsplit

import cv2
import numpy as np
from mmengine.logging import print_log

from hrnet_ext.formats.files import missing_images
from hrnet_ext.inference.frames import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    Frame,
    Load,
    Report,
    Source,
    base_name,
    image_source,
    is_of_kind,
    made_up_name,
    read_ahead,
)

WEBCAM = 'webcam'
STREAM_SCHEMES = ('rtsp', 'rtsps', 'rtmp', 'udp', 'tcp')
DEFAULT_FPS = 30.0  # for cameras and streams that do not report one


class VideoSource(Source):
    """A video file or network stream.

    Args:
        path: File or URL.

    Raises:
        ValueError: If OpenCV cannot decode it.
    """

    is_video: ClassVar[bool] = True

    def __init__(self, path: str) -> None:
        self.path, self.name = path, base_name(path) or 'stream'
        self.is_live = urlsplit(path).scheme in STREAM_SCHEMES
        self._open(path, self._cure(path))
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.length = count if count > 0 else None

    def _open(self, where: str | int, cure: str) -> None:
        self._in_use = Lock()
        # In a thread: OpenCV waits for half a minute, and does not notice Ctrl-C meanwhile.
        (self._capture,) = read_ahead(map(cv2.VideoCapture, [where]), 1)
        if not self._capture.isOpened():
            raise ValueError(f'cannot open `{self.path}`: {cure}')
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if np.isfinite(fps) and fps > 0 else DEFAULT_FPS

    @staticmethod
    def _cure(path: str) -> str:
        if '://' in path:
            return 'is the address right, and does the server answer?'
        return (
            f'its {os.path.getsize(path):,} bytes are not a video that OpenCV can decode; it may '
            'be truncated (copy it again) or need another codec '
            '(ffmpeg -i VIDEO -c:v libx264 NEW.mp4)'
        )

    def __iter__(self) -> Iterator[Frame]:
        """All readable frames; a warning is given if the video ends early."""
        index = 0
        while True:
            with self._in_use:
                is_read, image = self._capture.read()
            if not is_read:
                break
            yield Frame(index, made_up_name(index), image)
            index += 1
        self._check_end(index)

    def _check_end(self, count: int) -> None:
        if count == 0:
            raise ValueError(f'no frame of video `{self.path}` can be read; the file is damaged')
        if self.length is not None and count < self.length:
            print_log(
                f'video `{self.path}` ends early: frame {count - 1} is the last that can be read '
                f'of the {self.length} that the file announces; the poses up to it are kept',
                'current',
                level=30,
            )

    def close(self) -> None:
        """Close the file or camera, except while a stalled stream is being read."""
        if self._in_use.acquire(blocking=False):
            self._capture.release()
            self._in_use.release()


class WebcamSource(VideoSource):
    """A camera of this machine.

    Args:
        name: ``'webcam'`` or ``'webcam:NUMBER'``.

    Raises:
        ValueError: If it is not of that form, or there is no such camera.
    """

    def __init__(self, name: str) -> None:
        number = name[len(WEBCAM) :].removeprefix(':') or '0'
        if not number.isdigit():
            raise ValueError(f'a webcam is `webcam` or `webcam:NUMBER`, but got `{name}`')
        self.path, self.name, self.is_live = name, WEBCAM, True
        self._open(int(number), 'is the camera plugged in, and not used by another program?')


def open_source(
    inputs: str | os.PathLike | np.ndarray | Sequence[str | np.ndarray],
    load: Load,
    on_unreadable: Report | None = None,
) -> Source:
    """Open the frames of an input.

    Args:
        inputs: Path or URL of an image or a video, a folder of images, ``'webcam'`` or
            ``'webcam:NUMBER'``, an array (H, W, 3) BGR, or a list of images.
        load: Reads an image file.
        on_unreadable: See :class:`~hrnet_ext.inference.frames.ImageSource`.

    Raises:
        ValueError: If it is none of these, or cannot be opened.
        FileNotFoundError: If there is no such file or folder.
    """
    if isinstance(inputs, np.ndarray):
        return image_source([inputs], load)
    if isinstance(inputs, (list, tuple)):
        return image_source(inputs, load, on_unreadable)
    if not isinstance(inputs, (str, os.PathLike)):
        raise ValueError(
            f'inputs should be a path, an array or a list of these, but are {type(inputs).__name__}'
        )
    path = os.fspath(inputs)
    if _is_webcam(path):
        return WebcamSource(path.lower())
    if is_video(path):
        return VideoSource(path)
    return image_source([path], load, on_unreadable)


def is_video(path: str) -> bool:
    """Whether a path or URL is a video, a stream or a camera."""
    if '://' in path:
        return urlsplit(path).scheme in STREAM_SCHEMES or is_of_kind(path, VIDEO_SUFFIXES)
    return _is_webcam(path) or (os.path.isfile(path) and is_of_kind(path, VIDEO_SUFFIXES))


def _is_webcam(path: str) -> bool:
    return path.lower().startswith(WEBCAM) and not os.path.exists(path)


@dataclass(frozen=True)
class Video:
    """A video and what is known of its frames.

    Attributes:
        name: Name of the video and of its file of tracks.
        inputs: Input of the inferencer: a path, or the paths of all frames.
        records: The frames as in PoseTrack18's ``images``; empty if unknown.
    """

    name: str
    inputs: str | list[str]
    records: tuple[Mapping[str, Any], ...] = ()

    def record(self, index: int) -> Mapping[str, Any]:
        """The record of a frame; a generated one if the frames are unknown."""
        if self.records:
            return self.records[index]
        return {'id': index, 'frame_id': index, 'file_name': f'{self.name}/{index:06}.jpg'}


def annotated_videos(sequences: Mapping[str, Mapping], root: str) -> list[Video]:
    """PoseTrack's sequences.

    Args:
        sequences: Their files' content by name.
        root: Folder that the file names are relative to.

    Raises:
        FileNotFoundError: If frames are missing.
    """
    videos = []
    for name, content in sequences.items():
        paths = [os.path.join(root, record['file_name']) for record in content['images']]
        videos.append(Video(name, paths, tuple(content['images'])))
    paths = [path for video in videos for path in video.inputs]
    missing = missing_images(paths)
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} frames are missing, such as `{missing[0]}`; INPUT is '
            'the folder that the file names in the annotations are relative to'
        )
    return videos


def plain_videos(path: str) -> list[Video]:
    """A video, a folder with the frames of one, or a folder of several videos.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If it contains no video, or two with the same name.
    """
    if not os.path.isdir(path):
        return [_video(path)]
    entries = sorted(each for each in Path(path).iterdir() if not each.name.startswith('.'))
    if any(is_of_kind(entry.name, IMAGE_SUFFIXES) for entry in entries):
        return [Video(Path(path).resolve().name, path)]
    videos = [
        Video(entry.name, str(entry)) if entry.is_dir() else _video(str(entry))
        for entry in entries
        if entry.is_dir() or is_of_kind(entry.name, VIDEO_SUFFIXES)
    ]
    if not videos:
        raise ValueError(f'folder `{path}` contains neither frames nor videos')
    names = [video.name for video in videos]
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise ValueError(f'folder `{path}` contains two videos named `{double}`; rename one')
    return videos


def _video(path: str) -> Video:
    if '://' not in path and not os.path.exists(path):
        raise FileNotFoundError(f'no such video or folder: `{path}`')
    if not is_of_kind(path, VIDEO_SUFFIXES):
        raise ValueError(f'`{path}` is not a video ({" ".join(VIDEO_SUFFIXES[:6])} ...)')
    return Video(Path(path).stem, path)

"""The videos to track people in: files, folders of frames, or the sequences of PoseTrack."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrnet_ext.formats.files import missing_images
from hrnet_ext.inference.frames import IMAGE_SUFFIXES, VIDEO_SUFFIXES, is_of_kind


@dataclass(frozen=True)
class Video:
    """A video and what is known of its frames.

    Attributes:
        name: Its name, and that of the file of its tracks.
        inputs: What the inferencer takes: a path, or the paths of all frames.
        records: The frames as PoseTrack18's ``images`` lists them; none where nothing is known.
    """

    name: str
    inputs: str | list[str]
    records: tuple[Mapping[str, Any], ...] = ()

    def record(self, index: int) -> Mapping[str, Any]:
        """The record of a frame, made up where nothing is known of it."""
        if self.records:
            return self.records[index]
        return {'id': index, 'frame_id': index, 'file_name': f'{self.name}/{index:06}.jpg'}


def annotated_videos(sequences: Mapping[str, Mapping], root: str) -> list[Video]:
    """PoseTrack's sequences.

    Args:
        sequences: Their files' content by name.
        root: Folder that the file names start from.

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
            "the folder that the annotations' file names start from"
        )
    return videos


def plain_videos(path: str) -> list[Video]:
    """A video, a folder with the frames of one, or a folder of several videos.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If it holds no video, or two of the same name.
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
        raise ValueError(f'folder `{path}` holds neither frames nor videos')
    names = [video.name for video in videos]
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise ValueError(f'folder `{path}` holds two videos called `{double}`; rename one')
    return videos


def _video(path: str) -> Video:
    if '://' not in path and not os.path.exists(path):
        raise FileNotFoundError(f'no such video or folder: `{path}`')
    if not is_of_kind(path, VIDEO_SUFFIXES):
        raise ValueError(f'`{path}` is not a video ({" ".join(VIDEO_SUFFIXES[:6])} ...)')
    return Video(Path(path).stem, path)

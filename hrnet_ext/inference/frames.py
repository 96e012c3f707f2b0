"""Sources of frames: images, folders, arrays; a thread reads ahead.

Legend: a frame's image is (H, W, 3) uint8, BGR.
"""

from __future__ import annotations

import os
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import numpy as np

from hrnet_ext.formats.images import as_bgr

T = TypeVar('T')
GRACE = 2.0  # seconds to wait for a reader to end; one that waits for a stalled stream never ends
POLL = 0.1  # seconds; how often a waiting thread checks for Ctrl-C and for the end of the iteration
IMAGE_SUFFIXES = (
    '.jpg', '.jpeg', '.jpe', '.png', '.bmp', '.dib', '.webp', '.tif', '.tiff', '.jp2', '.avif',
    '.ppm', '.pgm', '.pbm', '.pnm',
)  # fmt: skip
VIDEO_SUFFIXES = (
    '.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.flv', '.ts',
    '.mts', '.m2ts', '.3gp', '.ogv', '.gif',
)  # fmt: skip
Load = Callable[[str], np.ndarray]
Report = Callable[[str, Exception], object]


class _End:
    """Marks the end of the items, with the error that caused it, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def read_ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """Read items in a separate thread.

    The thread ends after the last item, on an error, and when this iterator is closed or deleted. A
    thread that is still waiting for an item then is abandoned; it does not keep the process alive.

    Args:
        items: The items to read.
        depth: Maximum number of items that are read ahead.

    Raises:
        Exception: An error of reading, after the items before it.
    """
    ready: queue.Queue = queue.Queue(depth)
    unwanted = threading.Event()

    def hand_over(item: Any) -> None:
        while not unwanted.is_set():
            try:
                return ready.put(item, timeout=POLL)
            except queue.Full:
                continue

    def take() -> Any:
        while True:  # without a timeout, Ctrl-C is not noticed on every system
            try:
                return ready.get(timeout=POLL)
            except queue.Empty:
                continue

    def read() -> None:
        end = _End()
        try:
            for item in items:
                hand_over(item)
                if unwanted.is_set():
                    return
        except BaseException as error:  # on any error, the consumer must not wait forever
            end = _End(error)
        hand_over(end)

    reader = threading.Thread(target=read, name='read_ahead', daemon=True)
    reader.start()
    try:
        while not isinstance(item := take(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        unwanted.set()
        reader.join(GRACE)


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of ``size`` items; the last one may be shorter.

    Raises:
        Exception: An error of reading, after the items before it.
    """
    batch: list[T] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch  # items read before the error are not lost
        raise
    if batch:
        yield batch


@dataclass(frozen=True)
class Frame:
    """One image of the input.

    Attributes:
        index: Its number, from 0.
        path: Its file. A frame without a file is named by its number, as in MMPose: ``000003.jpg``.
        image: (H, W, 3) uint8, BGR.
    """

    index: int
    path: str
    image: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """(w, h)."""
        return self.image.shape[1], self.image.shape[0]


class Source(ABC):
    """Frames; can be iterated over once.

    Attributes:
        name: Name in messages and output files.
        length: Number of frames; None if unknown.
        is_video: Whether the frames belong to one video, and are written to one output.
        is_live: Whether they come from a camera or a live stream.
        fps: Frames per second of a video.
    """

    name: str
    length: int | None = None
    is_video: ClassVar[bool] = False
    is_live: bool = False
    fps: float | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Close files and cameras."""
        return

    def describe(self, frame: Frame) -> str:
        """Name of a frame in messages."""
        return f'frame {frame.index} of `{self.name}`'


class ImageSource(Source):
    """Images from files, URLs and arrays.

    Args:
        images: Paths, URLs, or arrays (H, W, 3) BGR, uint8.
        load: Reads a file or URL.
        on_unreadable: Called with path and error of each image that cannot be read, which is then
            left out; None raises the error.
    """

    name = 'images'

    def __init__(
        self,
        images: Sequence[str | np.ndarray],
        load: Load,
        on_unreadable: Report | None = None,
    ) -> None:
        self._images, self._load, self._on_unreadable = images, load, on_unreadable
        self.length = len(images)

    @property
    def paths(self) -> list[str]:
        """Paths of the frames, see :class:`Frame`."""
        return [
            image if isinstance(image, str) else made_up_name(index)
            for index, image in enumerate(self._images)
        ]

    def __iter__(self) -> Iterator[Frame]:
        for index, (path, image) in enumerate(zip(self.paths, self._images)):
            if isinstance(image, np.ndarray):
                yield Frame(index, path, image)
                continue
            try:
                loaded = self._load(path)
            except (OSError, ValueError) as error:
                if self._on_unreadable is None:
                    raise
                self._on_unreadable(path, error)
            else:
                yield Frame(index, path, loaded)

    def describe(self, frame: Frame) -> str:
        """Name of a frame in messages: its file."""
        return f'image `{frame.path}`'


def made_up_name(index: int) -> str:
    """The name of a frame without a file."""
    return f'{index:06}.jpg'


def base_name(path: str) -> str:
    """The file name in a path or URL."""
    return PurePosixPath(urlsplit(path).path).name if '://' in path else os.path.basename(path)


def is_of_kind(path: str, suffixes: Sequence[str]) -> bool:
    """Whether the file name in a path or URL has one of the suffixes."""
    return base_name(path).lower().endswith(tuple(suffixes))


def image_source(inputs: Sequence, load: Load, on_unreadable: Report | None = None) -> ImageSource:
    """The images of a list of paths, URLs, folders and arrays.

    Args:
        inputs: The list.
        load: Reads a file or URL.
        on_unreadable: See :class:`ImageSource`.

    Raises:
        ValueError: If an entry is something else; the message names it.
        FileNotFoundError: If there is no such file or folder, and ``on_unreadable`` is None.
    """
    images: list[str | np.ndarray] = []
    for index, entry in enumerate(inputs):
        if isinstance(entry, np.ndarray):
            images.append(as_bgr(entry, f'input {index}').copy())
        elif not isinstance(entry, (str, os.PathLike)):
            raise ValueError(
                f'input {index} should be a path or an array, but is {type(entry).__name__}'
            )
        elif on_unreadable and len(inputs) > 1 and not os.path.exists(entry):
            images.append(os.fspath(entry))  # loading it will fail and be reported
        else:
            images.extend(_image_paths(os.fspath(entry)))
    return ImageSource(images, load, on_unreadable)


def _image_paths(path: str) -> list[str]:
    """The images of a folder in order, without hidden files; or the path of the image itself."""
    if '://' not in path and not os.path.exists(path):
        raise FileNotFoundError(f'no such file or folder: `{path}`')
    if os.path.isdir(path):
        names = [name for name in os.listdir(path) if not name.startswith('.')]
        names = sorted(name for name in names if is_of_kind(name, IMAGE_SUFFIXES))
        if not names:
            raise ValueError(
                f'folder `{path}` contains no image ({", ".join(IMAGE_SUFFIXES[:5])} ...)'
            )
        return [os.path.join(path, name) for name in names]
    if is_of_kind(path, VIDEO_SUFFIXES):
        raise ValueError(f'`{path}` in a list is a video; give videos one at a time')
    if not is_of_kind(path, IMAGE_SUFFIXES):
        raise ValueError(f'cannot tell what `{path}` is: {suffix_hint(path)}')
    return [path]


def suffix_hint(path: str) -> str:
    """Explain that a path has no known extension."""
    suffix = PurePosixPath(base_name(path)).suffix
    reason = f'its extension `{suffix}` is unknown' if suffix else 'it has no extension'
    return (
        f'{reason}; images end in {" ".join(IMAGE_SUFFIXES[:8])} ..., '
        f'videos in {" ".join(VIDEO_SUFFIXES[:6])} ...'
    )

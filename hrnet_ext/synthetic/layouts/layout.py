"""The interface of a layout: a data set in pieces that worker processes render independently."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from hrnet_ext.synthetic.render import Rendering, render
from hrnet_ext.synthetic.scene import DIFFICULTIES, Scene, sample_scene
from hrnet_ext.synthetic.spec import SPLITS, SyntheticSpec, VideoSpec

JPEG_QUALITY = 95
BYTES_PER_PIXEL = 0.7  # of a hard image as JPEG at that quality, rounded up


@dataclass(frozen=True)
class Job:
    """Some of a split's images (or videos), from number ``start`` to before ``stop``."""

    split: str
    start: int
    stop: int
    num_images: int


class Layout(ABC):
    """How the images and annotations of a data set are laid out; picklable.

    Args:
        spec: What to render, a ``spec_type``.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """To be raised when the same spec gives other files."""
    spec_type: ClassVar[type[SyntheticSpec] | type[VideoSpec]]
    chunk: ClassVar[int]
    """Images (or videos) a worker makes at a time."""

    def __init__(self, spec: Any) -> None:
        if not isinstance(spec, self.spec_type):
            raise ValueError(
                f'layout {self.name} is made from a {self.spec_type.__name__}, got {spec!r}'
            )
        self.spec = spec

    def manifest(self) -> dict[str, Any]:
        """What is written beside the images, to know them again."""
        return {'layout': self.name, 'renderer_version': self.version, **asdict(self.spec)}

    def num_images(self, split: str) -> int:
        """Number of images of 'train' or 'val', frames of videos included."""
        return self.spec.count(split) * self.images_each

    @property
    def images_each(self) -> int:
        """Number of images of one item of the spec: 1, or a video's frames."""
        return 1

    def num_bytes(self) -> int:
        """Space that the data set may take, rounded up."""
        width, height = self.spec.image_size
        num_images = sum(self.num_images(split) for split in SPLITS)
        return int(num_images * width * height * BYTES_PER_PIXEL)

    def jobs(self) -> list[Job]:
        """The whole work in independent pieces."""
        return [
            Job(split, start, stop, (stop - start) * self.images_each)
            for split in SPLITS
            for start in range(0, self.spec.count(split), self.chunk)
            for stop in [min(start + self.chunk, self.spec.count(split))]
        ]

    @abstractmethod
    def images(self, split: str) -> str:
        """A pattern that matches the split's images, relative to the data set's folder."""

    @abstractmethod
    def annotations(self, split: str) -> list[str]:
        """The split's annotation files, relative to the data set's folder."""

    @abstractmethod
    def write(self, folder: Path, job: Job) -> list[Any]:
        """Writes a job's images and returns what :meth:`annotate` wants to know of each item."""

    @abstractmethod
    def annotate(self, folder: Path, split: str, entries: Sequence[Any]) -> None:
        """Writes the split's annotations, from what :meth:`write` said of its items, in order."""


def write_image(path: Path, image: np.ndarray) -> None:
    """Writes an image (H, W, 3) uint8 BGR as JPEG; makes its folder where missing."""
    _, jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not cv2.imwrite: it answers a full disk with False and no reason.
    path.write_bytes(jpeg.tobytes())


def write_annotations(path: Path, contents: Any) -> None:
    """Writes JSON on one line; makes its folder where missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(contents, separators=(',', ':')) + '\n')


FIRST_IMAGE_ID = {'train': 1, 'val': 1_000_001}


def image_scene(spec: SyntheticSpec, split: str, index: int) -> Scene:
    """What image number ``index`` of a split ('train', 'val') shows, from 0."""
    rng = np.random.default_rng((spec.seed, SPLITS.index(split), index))
    return sample_scene(rng, DIFFICULTIES[spec.difficulty], size=spec.image_size)


class ImageLayout(Layout):
    """A layout whose items are images; equal specs show the same in each of them."""

    spec_type: ClassVar[type] = SyntheticSpec
    chunk: ClassVar[int] = 8

    @abstractmethod
    def image_path(self, split: str, image_id: int) -> str:
        """Where an image is written, relative to the data set's folder."""

    @abstractmethod
    def entry(self, image_id: int, scene: Scene, rendering: Rendering) -> Any:
        """What is to be annotated of an image."""

    def write(self, folder: Path, job: Job) -> list[Any]:
        entries = []
        for index in range(job.start, job.stop):
            image_id = FIRST_IMAGE_ID[job.split] + index
            scene = image_scene(self.spec, job.split, index)
            rendering = render(scene)
            write_image(folder / self.image_path(job.split, image_id), rendering.image)
            entries.append(self.entry(image_id, scene, rendering))
        return entries

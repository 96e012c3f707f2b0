"""Layouts of single images: which scenes they show, and how they are made, many at a time."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hrnet_ext.synthetic.layouts.layout import Job, Layout, write_image
from hrnet_ext.synthetic.render import Rendering, render
from hrnet_ext.synthetic.scene import DIFFICULTIES, Scene, sample_scene
from hrnet_ext.synthetic.spec import SPLITS, SyntheticSpec

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

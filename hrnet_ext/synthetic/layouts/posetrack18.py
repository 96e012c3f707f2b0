"""PoseTrack18's layout.

What is written::

    OUT/images/train/000001_mpii_train/000000.jpg ...     OUT/images/val/500001_mpii_test/...
    OUT/annotations/train/000001_mpii_train.json ...      OUT/annotations/val/...
    OUT/annotations/posetrack18_train.json, posetrack18_val.json      all videos of a split
    OUT/annotations/posetrack18_val_human_detections.json             simulated boxes
    OUT/synthetic.json                                                what it was made from
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hrnet_ext.conversion.posetrack_merge import merge_sequences
from hrnet_ext.synthetic.layouts.detections import DESCRIPTION, simulate_detections
from hrnet_ext.synthetic.layouts.layout import (
    Job,
    Layout,
    write_annotations,
    write_image,
)
from hrnet_ext.synthetic.layouts.posetrack18_records import (
    CATEGORY,
    Clip,
    frame_record,
    people_records,
)
from hrnet_ext.synthetic.scene import DIFFICULTIES
from hrnet_ext.synthetic.spec import SPLITS, VideoSpec
from hrnet_ext.synthetic.video.people import SCENARIOS
from hrnet_ext.synthetic.video.video import Video, sample_video

DETECTIONS = 'annotations/posetrack18_val_human_detections.json'


@dataclass(frozen=True)
class Entry:
    """What is annotated of a video: its file's contents, and detections if it is one of val."""

    clip: Clip
    contents: dict[str, list]
    detections: list[dict[str, Any]]


def sample_clip(spec: VideoSpec, split: str, index: int) -> Video:
    """Video number ``index`` of a split ('train', 'val'), from 0."""
    scenarios = list(SCENARIOS.values())
    return sample_video(
        (spec.seed, SPLITS.index(split), index),
        scenarios[index % len(scenarios)],
        DIFFICULTIES[spec.difficulty],
        num_frames=spec.num_frames,
        size=spec.image_size,
    )


class PoseTrack18Layout(Layout):
    """PoseTrack18's folders: one of images and one annotation file per video."""

    name: ClassVar[str] = 'posetrack18'
    spec_type: ClassVar[type] = VideoSpec
    chunk: ClassVar[int] = 1

    def manifest(self) -> dict[str, Any]:
        return {**super().manifest(), 'detections': DESCRIPTION}

    @property
    def images_each(self) -> int:
        return self.spec.num_frames

    def images(self, split: str) -> str:
        return f'images/{split}/*/*.jpg'

    def annotations(self, split: str) -> list[str]:
        clips = [self._clip(split, index) for index in range(self.spec.count(split))]
        merged = [f'annotations/posetrack18_{split}.json']
        detections = [DETECTIONS] if split == 'val' else []
        return merged + detections + [clip.annotation_path for clip in clips]

    def write(self, folder: Path, job: Job) -> list[Entry]:
        return [self._write_video(folder, job.split, index) for index in range(job.start, job.stop)]

    def annotate(self, folder: Path, split: str, entries: Sequence[Entry]) -> None:
        for entry in entries:
            write_annotations(folder / entry.clip.annotation_path, entry.contents)
        merged = merge_sequences(
            {entry.clip.name: entry.contents for entry in entries},
            {entry.clip.name: self.spec.image_size for entry in entries},
        )
        write_annotations(folder / f'annotations/posetrack18_{split}.json', merged)
        if split == 'val':
            found = [detection for entry in entries for detection in entry.detections]
            write_annotations(folder / DETECTIONS, found)

    def _clip(self, split: str, index: int) -> Clip:
        return Clip(split, index, self.spec.num_frames)

    def _write_video(self, folder: Path, split: str, index: int) -> Entry:
        clip, video = self._clip(split, index), sample_clip(self.spec, split, index)
        images, annotations, detections = [], [], []
        for frame in range(len(video)):
            content = video.render_frame(frame)
            write_image(folder / clip.frame_path(frame), content.rendering.image)
            images.append(frame_record(clip, frame, video.subjects, content))
            annotations += people_records(clip, frame, video.subjects, content)
            if split == 'val':
                rng = np.random.default_rng((*video.seed, frame, 1))
                detections += simulate_detections(
                    rng,
                    content.rendering.people,
                    image_id=clip.image_id(frame),
                    size=self.spec.image_size,
                )
        contents = {'images': images, 'annotations': annotations, 'categories': [CATEGORY]}
        return Entry(clip, contents, detections)

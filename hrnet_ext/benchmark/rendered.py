"""Rendered people for the parts that need pictures: a folder with as many as are asked for."""

from __future__ import annotations

import json
from pathlib import Path

from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.cpu_limit import usable_cores
from hrnet_ext.datasets.synthetic import generate, make_spec
from hrnet_ext.writing import write_json

ANNOTATIONS = 'annotations/person_keypoints_{split}2017.json'
PROGRESS_EVERY = 200


def render(stage: Stage, *, num_train: int, num_val: int) -> Path:
    """A folder of easy pictures in COCO's layout; found again where ``--scratch`` keeps it.

    Args:
        stage: Has the folder for it, and shows the progress.
        num_train, num_val: Pictures.
    """
    return _render(stage, 'coco', num_train=num_train, num_val=num_val)


def render_videos(stage: Stage, num_videos: int) -> Path:
    """A folder with so many videos of people for validation, in PoseTrack18's layout."""
    return _render(stage, 'posetrack18', num_train=1, num_val=num_videos)


def _render(stage: Stage, layout: str, *, num_train: int, num_val: int) -> Path:
    def progress(done: int, total: int) -> None:
        if done % PROGRESS_EVERY == 0:
            stage.say(f'rendered {done} of {total} pictures')

    folder = stage.folder / f'{layout}_{num_train}_{num_val}'
    generate(
        folder,
        make_spec(layout, num_train=num_train, num_val=num_val),
        layout=layout,
        num_workers=usable_cores(),
        progress=progress,
    )
    return folder


def first_people(folder: Path, num: int, *, split: str = 'val') -> tuple[str, int]:
    """An annotation file with the first pictures that hold so many people together.

    Args:
        folder: Of :func:`render`.
        num: People at least; fewer if there are not so many.
        split: 'train' or 'val'.

    Returns:
        The file, relative to ``folder``, and how many people it has.
    """
    content = json.loads((folder / ANNOTATIONS.format(split=split)).read_text())
    people: dict[int, list[dict]] = {}
    for annotation in content['annotations']:
        people.setdefault(annotation['image_id'], []).append(annotation)
    images, kept = [], []
    for image in content['images']:
        if len(kept) >= num:
            break
        images.append(image)
        kept += people.get(image['id'], [])
    name = f'annotations/{split}_{num}_people.json'
    write_json(folder / name, {**content, 'images': images, 'annotations': kept})
    return name, len(kept)

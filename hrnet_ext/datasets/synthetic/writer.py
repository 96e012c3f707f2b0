"""Writes a rendered data set in COCO's layout: reproducible, in parallel, whole or not at all.

What is written::

    OUT/train2017/000000000001.jpg ...           OUT/val2017/000001000001.jpg ...
    OUT/annotations/person_keypoints_train2017.json, person_keypoints_val2017.json
    OUT/synthetic.json                           what it was made from
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hrnet_ext.datasets.synthetic.atomic import atomic_folder
from hrnet_ext.datasets.synthetic.coco_layout import (
    annotation_file,
    file_name,
    image_entry,
    person_entries,
)
from hrnet_ext.datasets.synthetic.parallel import run_jobs
from hrnet_ext.datasets.synthetic.render import Rendering, render
from hrnet_ext.datasets.synthetic.scene import DIFFICULTIES, sample_scene
from hrnet_ext.datasets.synthetic.spec import (
    FIRST_IMAGE_ID,
    MANIFEST,
    SPLITS,
    SyntheticSpec,
    annotation_path,
    check_same,
    picture_folder,
    read_manifest,
)

CHUNK = 8  # pictures a worker makes at a time
JPEG_QUALITY = 95
BYTES_PER_PIXEL = 0.7  # of a hard picture as JPEG at that quality, rounded up

Entries = list[tuple[dict[str, Any], list[dict[str, Any]]]]
Job = tuple[str, range]


def generate(
    out: Path | str,
    spec: SyntheticSpec,
    *,
    num_workers: int = 1,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> bool:
    """Renders a data set into ``out``, unless it is there already.

    Args:
        out: The folder to make.
        spec: What to render.
        num_workers: Processes that render; the files do not depend on it.
        overwrite: Whether a rendered data set in ``out`` gives way. A folder that holds anything
            else is never touched.
        progress: Called with the numbers of pictures done and to do.

    Returns:
        True if pictures were rendered, False if the same data set was there.

    Raises:
        ValueError: ``num_workers`` below 1.
        FileExistsError: ``out`` holds something else.
        OSError: The files cannot be written; nothing is left of them.
        RuntimeError: A worker process died.
    """
    if num_workers < 1:
        raise ValueError(f'the number of workers must be at least 1, got {num_workers}')
    out = Path(out).resolve()
    found = read_manifest(out)
    if found is not None and not overwrite:
        check_same(out, found, spec)
        return False
    with atomic_folder(out, replace=found is not None) as folder:
        _check_space(folder, spec)
        _write_data_set(folder, spec, num_workers=num_workers, progress=progress)
    return True


def render_picture(spec: SyntheticSpec, split: str, index: int) -> Rendering:
    """Picture number ``index`` of a split ('train', 'val'), from 0, and the people in it."""
    rng = np.random.default_rng((spec.seed, SPLITS.index(split), index))
    return render(sample_scene(rng, DIFFICULTIES[spec.difficulty], size=(spec.size, spec.size)))


def _write_data_set(
    folder: Path,
    spec: SyntheticSpec,
    *,
    num_workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    for split in SPLITS:
        picture_folder(folder, split).mkdir()
        annotation_path(folder, split).parent.mkdir(exist_ok=True)
    jobs: list[Job] = [
        (split, range(start, min(start + CHUNK, spec.num_images(split))))
        for split in SPLITS
        for start in range(0, spec.num_images(split), CHUNK)
    ]
    entries: dict[str, Entries] = {split: [] for split in SPLITS}
    done, total = 0, spec.num_train + spec.num_val
    write = partial(_write_pictures, folder, spec)
    for (split, _), chunk in run_jobs(write, jobs, num_workers=min(num_workers, len(jobs))):
        entries[split] += chunk
        done += len(chunk)
        if progress is not None:
            progress(done, total)
    for split in SPLITS:
        _write_annotations(folder, spec, split, entries[split])
    (folder / MANIFEST).write_text(json.dumps(spec.manifest(), indent=2) + '\n')


def _write_pictures(folder: Path, spec: SyntheticSpec, job: Job) -> Entries:
    split, indices = job
    entries: Entries = []
    for index in indices:
        image_id = FIRST_IMAGE_ID[split] + index
        rendering = render_picture(spec, split, index)
        _, jpeg = cv2.imencode('.jpg', rendering.picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        # Not cv2.imwrite: it answers a full disk with False and no reason.
        (picture_folder(folder, split) / file_name(image_id)).write_bytes(jpeg.tobytes())
        image = image_entry(image_id, size=(spec.size, spec.size))
        entries.append((image, person_entries(rendering.people, image_id)))
    return entries


def _write_annotations(folder: Path, spec: SyntheticSpec, split: str, entries: Entries) -> None:
    ordered = sorted(entries, key=lambda entry: entry[0]['id'])  # workers finish in any order
    contents = annotation_file(
        [image for image, _ in ordered],
        [person for _, people in ordered for person in people],
        description=f'Rendered people, {spec.difficulty}, {split}, seed {spec.seed}',
    )
    annotation_path(folder, split).write_text(json.dumps(contents, separators=(',', ':')) + '\n')


def _check_space(folder: Path, spec: SyntheticSpec) -> None:
    needed = int((spec.num_train + spec.num_val) * spec.size**2 * BYTES_PER_PIXEL)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            errno.ENOSPC,
            f'{os.strerror(errno.ENOSPC)}: the data set may take {needed / 1e6:.0f} MB, '
            f'{free / 1e6:.0f} MB are free',
            str(folder.parent),
        )

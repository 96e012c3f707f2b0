"""Writes a rendered data set: reproducible, in parallel, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hrnet_ext.atomic_folder import atomic_folder
from hrnet_ext.synthetic.layouts import LAYOUTS
from hrnet_ext.synthetic.layouts.layout import Layout
from hrnet_ext.synthetic.manifest import check_same, read_manifest, write_manifest
from hrnet_ext.synthetic.parallel import run_jobs
from hrnet_ext.synthetic.spec import SPLITS, SyntheticSpec, VideoSpec

Progress = Callable[[int, int], None]


def generate(
    out: Path | str,
    spec: SyntheticSpec | VideoSpec,
    *,
    layout: str = 'coco',
    num_workers: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> bool:
    """Renders a data set into ``out``, unless it is there already.

    Args:
        out: The folder to make.
        spec: What to render.
        layout: How to write it, one of :data:`~hrnet_ext.synthetic.layouts.LAYOUTS`.
        num_workers: Processes that render; the files do not depend on it.
        overwrite: Whether a rendered data set in ``out`` gives way. A folder that holds anything
            else is never touched.
        progress: Called with the numbers of images done and to do.

    Returns:
        True if images were rendered, False if the same data set was there.

    Raises:
        ValueError: ``num_workers`` below 1, or a layout that is unknown or does not fit ``spec``.
        FileExistsError: ``out`` holds something else.
        OSError: The files cannot be written; nothing is left of them.
        RuntimeError: A worker process died.
    """
    if num_workers < 1:
        raise ValueError(f'the number of workers must be at least 1, got {num_workers}')
    if layout not in LAYOUTS:
        raise ValueError(f'layout must be one of {", ".join(LAYOUTS)}, got {layout!r}')
    plan = LAYOUTS[layout](spec)
    out = Path(out).resolve()
    found = read_manifest(out)
    if found is not None and not overwrite:
        check_same(out, found, plan)
        return False
    with atomic_folder(out, replace=found is not None) as folder:
        _check_space(folder, plan)
        _write_data_set(folder, plan, num_workers=num_workers, progress=progress)
    return True


def _write_data_set(
    folder: Path, layout: Layout, *, num_workers: int, progress: Progress | None
) -> None:
    jobs = layout.jobs()
    total = sum(job.num_images for job in jobs)
    results, done = {}, 0
    write = partial(layout.write, folder)
    for job, entries in run_jobs(write, jobs, num_workers=min(num_workers, len(jobs))):
        results[job] = entries
        done += job.num_images
        if progress is not None:
            progress(done, total)
    for split in SPLITS:
        # By job, not by result: workers finish in any order.
        ordered: list[Any] = [entry for job in jobs if job.split == split for entry in results[job]]
        layout.annotate(folder, split, ordered)
    write_manifest(folder, layout)


def _check_space(folder: Path, layout: Layout) -> None:
    needed, free = layout.num_bytes(), shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            errno.ENOSPC,
            f'{os.strerror(errno.ENOSPC)}: the data set may take {needed / 1e6:.0f} MB, '
            f'{free / 1e6:.0f} MB are free',
            str(folder.parent),
        )

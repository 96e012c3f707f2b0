"""Write a rendered data set: reproducible, in parallel, completely or not at all."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2

from hrnet_ext.atomic_folder import atomic_folder
from hrnet_ext.synthetic.layouts import LAYOUTS
from hrnet_ext.synthetic.layouts.layout import Layout
from hrnet_ext.synthetic.manifest import check_same, read_manifest, write_manifest
from hrnet_ext.synthetic.spec import SPLITS, SyntheticSpec, VideoSpec

Job = TypeVar('Job')
Result = TypeVar('Result')


def run_jobs(
    function: Callable[[Job], Result], jobs: Sequence[Job], *, num_workers: int
) -> Iterator[tuple[Job, Result]]:
    """Yields every job with its result, in the order in which they are done.

    When the caller stops, by an error or Ctrl-C, jobs that have not begun are dropped and the
    workers have ended before the error goes on.

    Args:
        function: What to do; picklable if there are several workers.
        jobs: Its arguments.
        num_workers: Number of processes; 1 works in this process.

    Raises:
        RuntimeError: A worker died.
        Exception: Whatever ``function`` raises.
    """
    if num_workers == 1:
        for job in jobs:
            yield job, function(job)
        return
    # Spawned, not forked: the caller may hold threads (torch, OpenCV), which a fork would break.
    context = multiprocessing.get_context('spawn')
    pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_start_worker)
    try:
        with _interrupts_ignored():
            futures = {pool.submit(function, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            'a worker process died, perhaps for lack of memory; try fewer workers'
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    cv2.setNumThreads(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started in the block ignore Ctrl-C: their parent ends them in good order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


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

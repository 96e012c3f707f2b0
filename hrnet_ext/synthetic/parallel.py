"""Runs a function over jobs in worker processes, with clean ends: errors, Ctrl-C, dead workers."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

import cv2

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

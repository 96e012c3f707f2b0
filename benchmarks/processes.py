"""Silence the code that is measured, or run it in a process of its own; memory of a process."""

from __future__ import annotations

import contextlib
import io
import logging
import multiprocessing
import signal
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger


@contextlib.contextmanager
def silence() -> Iterator[list[str]]:
    """Hide logs, warnings and prints.

    Yields:
        The first line of each warning that MMEngine's current logger gets.
    """
    logger, disabled, nowhere = (
        MMLogger.get_current_instance(),
        logging.root.manager.disable,
        io.StringIO(),
    )
    handlers, texts = logger.handlers, []
    listener = logging.Handler(logging.WARNING)
    listener.emit = lambda record: texts.append(record.getMessage().splitlines()[0])
    logger.handlers = [listener]
    logging.disable(logging.INFO)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            warnings.simplefilter('ignore')
            yield texts
    finally:
        logger.handlers = handlers
        logging.disable(disabled)


def in_child(function: Callable, *args: Any) -> Any:
    """What a function of a module returns in a new interpreter with as many compute threads.

    Raises:
        Exception: What the function raises; BrokenProcessPool if the process dies.
    """
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(1, context, _start_child, (torch.get_num_threads(),)) as pool:
        try:
            return pool.submit(_silently, function, args).result()
        except KeyboardInterrupt:
            for child in multiprocessing.active_children():
                child.terminate()
            raise


def _start_child(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C: only the parent reports
    torch.set_num_threads(threads)


def _silently(function: Callable, args: tuple) -> Any:
    with silence():
        return function(*args)


def reset_peak_memory(device: str) -> None:
    """Forget the peak so far."""
    if torch.device(device).type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
        return
    with contextlib.suppress(OSError):  # some containers do not allow it
        Path('/proc/self/clear_refs').write_text('5')  # see proc(5)


def peak_memory(device: str) -> float:
    """Peak memory in MiB: of tensors on CUDA, of the process on a CPU."""
    if torch.device(device).type == 'cuda':
        return torch.cuda.max_memory_allocated(device) / 2**20
    # Not getrusage's ru_maxrss: a child's begins with that of its parent
    status = Path('/proc/self/status').read_text()
    return int(status.partition('VmHWM:')[2].split()[0]) / 2**10

"""Folders that are written completely or not at all."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """A temporary folder next to ``target``, renamed to it when the block ends without an error.

    After an error or an interruption nothing is left. A process that is killed outright leaves
    only a hidden folder, ``.NAME.partial-...``, which the next run for the same target removes.

    Args:
        target: The folder to make; an empty one may be there already.
        replace: Whether a folder that is there gives way to the new one.

    Raises:
        OSError: The folder cannot be made or renamed; the message names it.
    """
    work = target.parent / f'{_work_prefix(target)}{os.getpid()}'
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        work.mkdir()
    except OSError as error:
        reason = f'cannot create the folder: {error.strerror}'
        raise OSError(error.errno, reason, str(target)) from error
    try:
        yield work
        _take_name(work, target, replace=replace)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _take_name(work: Path, target: Path, *, replace: bool) -> None:
    if not replace:
        if target.is_dir():
            target.rmdir()  # fails if another process has written something there
        work.rename(target)
        return
    previous = work.with_name(work.name + '-previous')
    target.rename(previous)
    work.rename(target)
    shutil.rmtree(previous, ignore_errors=True)


def _work_prefix(target: Path) -> str:
    return f'.{target.name}.partial-{socket.gethostname()}-'


def _remove_leftovers(target: Path) -> None:
    """Remove temporary folders of processes of this machine that have ended."""
    if os.name != 'posix':  # on other systems there is no harmless check whether a process exists
        return
    prefix = _work_prefix(target)
    for entry in target.parent.iterdir():
        pid = entry.name.removeprefix(prefix)
        if entry.name.startswith(prefix) and pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(entry, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""One training per folder: a second one stops with an error that names the first.

The lock is the operating system's (POSIX record locks): it is released when its process ends for
any reason, and data loaders' processes do not inherit it. On systems without such locks (Windows,
some network file systems) training runs without a lock.
"""

import os
import socket
import time
from pathlib import Path
from typing import TextIO

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LOCK_FILE = '.training.lock'


class FolderLock:
    """Holds a folder until it is closed.

    Args:
        path: The lock file.
        file: The same file, open and locked.
    """

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path, self._file = path, file

    def close(self) -> None:
        """Release the folder."""
        if not self._file.closed and _is_at(self._file, self._path):
            self._path.unlink()
        self._file.close()


def hold_folder(folder: str | os.PathLike[str]) -> FolderLock | None:
    """Lock a folder for the training of this process; all processes of the training call this.

    Args:
        folder: An existing folder; the main process locks it for all.

    Returns:
        None in the other processes, and where the system has no locks.

    Raises:
        ValueError: In the main process, if another training holds the folder.
        SystemExit: In the other processes, in the same case: only one process reports it.
    """
    lock, holder = _lock(Path(folder) / LOCK_FILE) if is_main_process() else (None, None)
    answer = [holder]
    broadcast_object_list(answer)
    if answer[0] is None:
        return lock
    if not is_main_process():
        raise SystemExit(1)
    raise ValueError(
        f'{folder} is in use by another training ({answer[0]}): they would overwrite each '
        "other's checkpoints. Choose another folder with --work-dir, or end that training first"
    )


def _lock(path: Path) -> tuple[FolderLock | None, str | None]:
    """The lock, or None and its holder; (None, None) if the system has no locks."""
    if fcntl is None:
        return None, None
    file = path.open('a+')
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        holder = file.read().strip()
        file.close()
        return None, holder or 'it has just started'
    except OSError as error:
        file.close()
        print_log(
            f'{path.parent} cannot be locked ({error.strerror}): a second training in this folder '
            'will not be detected',
            'current',
            level=30,
        )
        return None, None
    if not _is_at(file, path):  # a training that ended has just removed it
        file.close()
        return _lock(path)
    file.truncate(0)
    since = time.strftime('%Y-%m-%d %H:%M:%S')
    file.write(f'process {os.getpid()} on {socket.gethostname()}, since {since}')
    file.flush()
    return FolderLock(path, file), None


def _is_at(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False

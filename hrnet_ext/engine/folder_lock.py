"""One training a folder: a second one is told who is there, and stops.

The lock is the operating system's (POSIX record locks): it ends with its process, however that
ends, and data loaders' processes do not inherit it. Systems without such locks (Windows, some
network file systems) go on without.
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
    """A folder is taken while this is open.

    Args:
        path: The lock's file.
        file: It, open and locked.
    """

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path, self._file = path, file

    def close(self) -> None:
        """Give the folder back."""
        if not self._file.closed and _is_at(self._file, self._path):
            self._path.unlink()
        self._file.close()


def hold_folder(folder: str | os.PathLike[str]) -> FolderLock | None:
    """Take a folder for the training that this process belongs to; all its processes call this.

    Args:
        folder: Exists; the first process locks it for all.

    Returns:
        None in other processes, and where there are no locks.

    Raises:
        ValueError: If another training has the folder.
        SystemExit: In the other processes then: one of them tells.
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
    """The lock; or None and who has it (None: there are no locks here)."""
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
            f'{path.parent} cannot be locked ({error.strerror}): nothing keeps a second training '
            'out of it',
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

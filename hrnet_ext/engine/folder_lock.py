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


def hold_folder(folder: str | os.PathLike[str]) -> TextIO | None:
    """Take a folder for the training that this process belongs to; all its processes call this.

    Args:
        folder: Exists; the first process locks it for all.

    Returns:
        What holds the lock until it is closed; None in other processes, and without locks.

    Raises:
        ValueError: If another training has the folder.
        SystemExit: In the other processes then: one of them tells.
    """
    file, holder = _lock(Path(folder) / LOCK_FILE) if is_main_process() else (None, None)
    answer = [holder]
    broadcast_object_list(answer)
    if answer[0] is None:
        return file
    if not is_main_process():
        raise SystemExit(1)
    raise ValueError(
        f'{folder} is in use by another training ({answer[0]}): they would overwrite each '
        "other's checkpoints. Choose another folder with --work-dir, or end that training first"
    )


def _lock(path: Path) -> tuple[TextIO | None, str | None]:
    """An open file that is locked; or None and who has it (None: locks are not known here)."""
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
    file.truncate(0)
    since = time.strftime('%Y-%m-%d %H:%M:%S')
    file.write(f'process {os.getpid()} on {socket.gethostname()}, since {since}')
    file.flush()
    return file, None

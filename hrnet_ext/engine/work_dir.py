"""One training per work dir, and the checkpoints that it may replace and remove."""

import os
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from hrnet_ext.checkpoints import load_checkpoint

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LOCK_FILE = '.training.lock'
RUN_ID = 'run_id'  # key in the message hub, and therefore in every checkpoint


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


class OwnFiles:
    """The checkpoints of one training, including those written before it was resumed.

    Every checkpoint holds the training's ID, which stays the same when the training is resumed. It
    identifies earlier files also after a crash, or if the folder was moved, renamed or copied.

    Args:
        folder: Folder in which the training saves. Files elsewhere are never its own.
        run_id: ID of the training.
        listed: File names in the resumed state. They also count as own files if they hold no ID,
            like checkpoints of earlier versions.
    """

    def __init__(self, folder: str | os.PathLike[str], run_id: str, listed: Iterable[str]) -> None:
        self.folder = Path(folder).resolve()
        self._run_id, self._listed = run_id, set(listed)
        self._written: set[str] = set()

    def includes(self, path: str | os.PathLike[str]) -> bool:
        """Whether this training wrote a file."""
        path = Path(path)
        if path.parent.resolve() != self.folder:
            return False
        if path.name in self._written:
            return True
        run_id = _run_id(path)
        return run_id == self._run_id or (run_id is None and path.name in self._listed)

    def add(self, path: str | os.PathLike[str]) -> None:
        """Prepare for writing a file: another training's file of the same name is renamed."""
        path = Path(path)
        if path.exists() and not self.includes(path):
            kept = _free_name(path)
            path.rename(kept)
            print_log(f'{path} of another training is kept as {kept.name}', 'current', level=30)
        self._written.add(path.name)


def _run_id(path: Path) -> str | None:
    try:
        return load_checkpoint(path)['message_hub']['runtime_info'].get(RUN_ID)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not a checkpoint of a training


def _free_name(path: Path) -> Path:
    """An unused name next to ``path``, made from the time at which the file was written."""
    written = time.strftime('%Y%m%d_%H%M%S', time.localtime(path.stat().st_mtime))
    name, count = path.with_name(f'{path.stem}_of_{written}{path.suffix}'), 1
    while name.exists():
        count += 1
        name = path.with_name(f'{path.stem}_of_{written}_{count}{path.suffix}')
    return name

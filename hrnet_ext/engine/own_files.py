"""The checkpoints that a training may replace and remove: those that it wrote itself."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from mmengine.logging import print_log

from hrnet_ext.checkpoints import load_checkpoint

RUN_ID = 'run_id'  # key in the message hub, and therefore in every checkpoint


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

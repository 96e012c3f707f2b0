"""Which checkpoints of a folder a training may replace and remove: those that it wrote itself."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from mmengine.logging import print_log

from hrnet_ext.checkpoints import load_checkpoint

RUN_ID = 'run_id'  # in the message hub, and so in every checkpoint


class OwnFiles:
    """The checkpoints of one training, those of its earlier parts included.

    An interrupted and resumed training is one training. A file that an earlier part wrote is known
    by the training's id, which every checkpoint holds: also in a folder that was moved, renamed or
    copied, and after a crash.

    Args:
        folder: Where the training saves. Files elsewhere are never its own.
        run_id: Of the training.
        listed: Names that its state lists. They are its own if they hold no id, as those do that
            were written before there was one.
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
        """Prepare for writing a file: what another training left under its name is renamed."""
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
        return None  # no checkpoint of a training


def _free_name(path: Path) -> Path:
    """A name beside ``path`` that is not taken, after the time at which the file was written."""
    written = time.strftime('%Y%m%d_%H%M%S', time.localtime(path.stat().st_mtime))
    name, count = path.with_name(f'{path.stem}_of_{written}{path.suffix}'), 1
    while name.exists():
        count += 1
        name = path.with_name(f'{path.stem}_of_{written}_{count}{path.suffix}')
    return name

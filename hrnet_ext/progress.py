"""How far a job is and how long it will take: a bar on a terminal, lines in a file or a pipe."""

import shutil
import sys
from typing import Any, TextIO

from tqdm import tqdm

SECONDS_PER_LINE = 30
LINE = '{desc}{n_fmt} of {total_fmt} {unit}s, {elapsed} passed, {remaining} left'


class _Lines:
    """Makes a line of each state that tqdm draws over the last one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        text = text.strip()
        if text:
            self._stream.write(f'{text}\n')

    def flush(self) -> None:
        self._stream.flush()


def progress_bar(total: int | None, unit: str, name: str = '', **options: Any) -> tqdm:
    """A progress display on standard error; a job of some seconds writes no line to a file.

    Args:
        total: Number of steps; None where it is not known.
        unit: What a step is, in the singular.
        name: What stands before it.
        **options: As :class:`tqdm.tqdm`.
    """
    options = {'total': total, 'unit': unit, 'desc': name and f'{name}: ', **options}
    if sys.stderr.isatty():
        width, height = shutil.get_terminal_size()  # (80, 24) where the terminal does not say
        return tqdm(ncols=width, nrows=height, **options)
    lines = {'file': _Lines(sys.stderr), 'bar_format': LINE}
    pace = {'mininterval': SECONDS_PER_LINE, 'delay': SECONDS_PER_LINE}
    return tqdm(**lines, **pace, **options)

"""Where parts perform: one line of progress, and contests on its clock and device."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import torch

from hrnet_ext.benchmark.contest import Contest
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options

LEAST_SECONDS = {True: 0.005, False: 0.05}  # of one timing, quick or not
WARM_UP_CALLS = {True: 1, False: 3}


class Stage:
    """Runs contests and says on standard error what is going on.

    Args:
        options: Device, clock and rounds.
        stream: Where progress goes; standard error as it was when the stage was made.
    """

    def __init__(self, options: Options, stream: TextIO | None = None) -> None:
        self.options = options
        self._stream = stream or sys.stderr
        self._part = ''
        self._width = 0
        self._temporary = None if options.scratch else tempfile.TemporaryDirectory()

    @property
    def folder(self) -> Path:
        """Where rendered data goes: the options' ``scratch``, or until the end a temporary one."""
        return Path(self.options.scratch or self._temporary.name)

    @property
    def clock(self) -> Callable[[], float]:
        """The options' clock: seconds."""
        return time.perf_counter if self.options.clock == 'wall' else time.process_time

    def begin(self, part: str) -> None:
        """Say which part the following is of."""
        self._part = part

    def say(self, what: str) -> None:
        """Show what is being done; on a terminal in one line, else one line for each."""
        text = f'{self._part}: {what}' if self._part else what
        if self._stream.isatty():
            self._stream.write(f'\r{text:<{self._width}}')
            self._width = len(text)
        else:
            self._stream.write(f'{text}\n')
        self._stream.flush()

    def clear(self) -> None:
        """Remove the line from a terminal."""
        if self._width and self._stream.isatty():
            self._stream.write(f'\r{"":<{self._width}}\r')
            self._stream.flush()
        self._width = 0

    def contest(self, line_up: LineUp, *, least_seconds: float | None = None) -> Contest:
        """A contest of all who are in the line-up, on the options' clock and device."""
        least = LEAST_SECONDS[self.options.quick] if least_seconds is None else least_seconds
        return Contest(
            line_up.contestants,
            synchronize=synchronizer(self.options.device),
            clock=self.clock,
            least_seconds=least,
            not_run=line_up.not_run,
        )

    def run(
        self,
        contest: Contest,
        what: str,
        *,
        finish: Callable[[], None],
        warm_up: int | None = None,
        rounds: int | None = None,
    ) -> None:
        """Warm up and run a contest.

        Args:
            contest: All of it.
            what: Its name for the progress.
            finish: Writes the table of what was measured; also called when it is interrupted.
            warm_up: Calls before anything is timed.
            rounds: In place of the options'.
        """
        calls = WARM_UP_CALLS[self.options.quick] if warm_up is None else warm_up
        try:
            self.say(f'{what}, warming up')
            contest.warm_up(calls)
            contest.run(
                self.options.rounds if rounds is None else rounds,
                lambda done, total: self._round(what, done, total),
            )
        finally:
            finish()

    def _round(self, what: str, done: int, total: int) -> None:
        if done == 0 or self._stream.isatty():
            self.say(f'{what}, round {done + 1} of {total}')


def synchronizer(device: str) -> Callable[[], None]:
    """A function that waits for a device; on CUDA it was never run."""
    kind = torch.device(device).type
    if kind == 'cpu':
        return lambda: None
    module = getattr(torch, kind)
    return lambda: module.synchronize(torch.device(device))

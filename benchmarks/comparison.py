"""Time entries in turns, so that a disturbance of the machine affects all of them.

A round times each entry once, in an order that rotates from round to round. Before that, the result
of each entry is compared with the baseline's: an entry that does other work is not timed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from torch.utils.benchmark import timer

from benchmarks.processes import silence
from benchmarks.report import Spread

MMPOSE = 'MMPose'  # the baseline
MAX_REASON = 160  # characters of an error message in a table

Call = Callable[[], object]


class Comparison:
    """Entries and their times, in seconds per call.

    Args:
        clock: Returns seconds; by default wall time, which waits for the GPU if there is one.
        least_seconds: A call is repeated until one timing takes about this long.
        baseline: Name of the entry that the others are compared with.

    Attributes:
        entries: What is called, by name.
        not_run: Why other entries were left out, by name.
        differences: How far results are from the baseline's, by name.
        remarks: Warnings that entries logged, such as that a network is not optimized after all.
        rounds: Seconds by name, for each complete round.
    """

    def __init__(
        self,
        clock: Callable[[], float] = timer,
        *,
        least_seconds: float = 0.0,
        baseline: str = MMPOSE,
    ) -> None:
        self.clock, self.least_seconds, self.baseline = clock, least_seconds, baseline
        self.entries: dict[str, Call] = {}
        self.not_run: dict[str, str] = {}
        self.differences: dict[str, float] = {}
        self.remarks: list[str] = []
        self.rounds: list[dict[str, float]] = []
        self._tolerances: dict[str, float | None] = {}
        self._prepare: dict[str, Call] = {}
        self._repeats: dict[str, int] = {}

    def add(
        self,
        name: str,
        build: Callable[[], Call],
        *,
        tolerance: float | None = 0.0,
        prepare: Call = tuple,
    ) -> None:
        """Build an entry. If that fails, the reason goes into ``not_run``.

        Args:
            name: Its name in the table.
            build: Returns the function to time, whose result :meth:`check` compares.
            tolerance: Largest difference from the baseline's result; None if it is not compared.
            prepare: Called before each timing, outside of it.
        """
        self._tolerances[name], self._prepare[name] = tolerance, prepare
        with self._removing(name):
            self.entries[name] = build()

    def check(self, difference: Callable[[object, object], float] | None = None) -> None:
        """Call each entry once and remove those whose result differs from the baseline's.

        Args:
            difference: Of a result and the baseline's; default :func:`relative_difference`.
        """
        wanted = self._result(self.baseline)
        if wanted is None:
            return  # nothing to compare with
        for name, allowed in self._tolerances.items():
            if name == self.baseline or allowed is None or (found := self._result(name)) is None:
                continue
            with self._removing(name, 'its result cannot be compared: '):
                far = self.differences[name] = (difference or relative_difference)(found, wanted)
                if not far <= allowed:  # NaN is too far, too
                    why = f'differs by {far:.2g}, allowed {allowed:g}'
                    self._remove(name, f'not the same work: {why}')

    def warm_up(self, calls: int) -> None:
        """Call each entry; the last call determines how often a timing repeats it."""
        for name in list(self.entries) * calls:
            seconds = self._time(name, 1)
            if seconds is not None:
                self._repeats[name] = math.ceil(self.least_seconds / max(seconds, 1e-9)) or 1

    def run(self, rounds: int, progress: Callable[[int], None] = lambda done: None) -> None:
        """Time all entries in each of ``rounds`` rounds. An interrupted round does not count."""
        for done in range(rounds):
            progress(done)
            names = list(self.entries)
            start = done % max(len(names), 1)
            order = names[start:] + names[:start]
            times = {name: self._time(name, self._repeats.get(name, 1)) for name in order}
            self.rounds.append({name: times[name] for name in names if name in self.entries})

    def seconds(self, name: str) -> list[float]:
        """Seconds per call of an entry in each round."""
        return [each[name] for each in self.rounds if name in each and name in self.entries]

    def speedup(self, name: str) -> tuple[float, Spread] | None:
        """How many times as fast as the baseline: ratio of medians, and ratios by round."""
        own, others = self.seconds(name), self.seconds(self.baseline)
        if not own or not others:
            return None
        return float(np.median(others) / np.median(own)), Spread.of(np.divide(others, own))

    def _time(self, name: str, repeats: int) -> float | None:
        """Seconds per call; None for an entry that failed, which is removed."""
        if name not in self.entries:
            return None
        with self._removing(name):
            self._prepare[name]()
            start = self.clock()
            for _ in range(repeats):
                self.entries[name]()
            return (self.clock() - start) / repeats
        return None

    def _result(self, name: str) -> object | None:
        if name in self.entries:
            with self._removing(name):
                return self.entries[name]()
        return None

    @contextmanager
    def _removing(self, name: str, prefix: str = '') -> Iterator[None]:
        """Remove an entry that fails, for the others go on; keep the warnings that it logs."""
        with silence() as texts:
            try:
                yield
            except Exception as error:
                self._remove(name, f'{prefix}{reason(error)}')
        remarks = [f'{name}: {text}' for text in dict.fromkeys(texts)]
        self.remarks += [remark for remark in remarks if remark not in self.remarks]

    def _remove(self, name: str, why: str) -> None:
        self.entries.pop(name, None)
        self.not_run[name] = why


def relative_difference(found: object, wanted: object) -> float:
    """The largest difference of arrays (or sequences of them), over the largest value."""
    found, wanted = as_arrays(found), as_arrays(wanted)
    if [each.shape for each in found] != [each.shape for each in wanted]:
        raise ValueError(f'shapes {[x.shape for x in found]}, not {[x.shape for x in wanted]}')
    scale = max(np.abs(each).max(initial=0.0) for each in wanted) or 1.0
    return max(float(np.abs(a - b).max(initial=0.0) / scale) for a, b in zip(found, wanted))


def as_arrays(result: object) -> list[np.ndarray]:
    """A tensor, an array or nested sequences of them as a flat list of float64 arrays."""
    if isinstance(result, (list, tuple)):
        return [array for each in result for array in as_arrays(each)]
    if hasattr(result, 'detach'):
        result = result.detach().float().cpu().numpy()
    return [np.asarray(result, np.float64)]


def reason(error: BaseException) -> str:
    """An error in one short line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = ': '.join([type(error).__name__, *lines[:1]])
    return text if len(text) <= MAX_REASON else f'{text[: MAX_REASON - 3]}...'

"""Time contestants in turns, so that what disturbs one disturbs all.

A round times every contestant once, in an order that rotates. Times are seconds per call.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

Call = Callable[[], object]
MAX_REASON = 160  # characters of an error that a table can hold


@dataclass(frozen=True)
class Spread:
    """A median between its quartiles."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        lower, median, upper = np.percentile(np.asarray(values, np.float64), (25, 50, 75))
        return cls(float(median), float(lower), float(upper))

    def scaled(self, factor: float) -> Spread:
        """In another unit."""
        return Spread(self.median * factor, self.lower * factor, self.upper * factor)


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as the baseline: the medians' ratio, and that of single rounds."""

    of_medians: float
    by_round: Spread


@dataclass
class Contest:
    """Contestants, and what has been measured of them.

    Args:
        contestants: What each does, by name.
        synchronize: Waits until the device has done all that was asked of it.
        clock: Seconds.
        least_seconds: Calls are repeated until one timing takes about so long.
        prepare: What is done, untimed, before somebody's timing, by name.
        not_run: Why others could not even begin, by name; who fails later is added.
    """

    contestants: dict[str, Call]
    synchronize: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.perf_counter
    least_seconds: float = 0.0
    prepare: dict[str, Call] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    rounds: list[dict[str, float]] = field(default_factory=list)
    _repeats: dict[str, int] = field(default_factory=dict)

    def warm_up(self, calls: int = 2) -> None:
        """Call everybody, who fails is out; the last call says how often a timing repeats."""
        for name in list(self.contestants):
            seconds = math.nan
            for _ in range(calls):
                seconds = self._time(name, 1)
            if calls and name in self.contestants:
                shortest = max(seconds, 1e-9)
                self._repeats[name] = max(1, math.ceil(self.least_seconds / shortest))

    def run(self, rounds: int, progress: Callable[[int, int], None] | None = None) -> None:
        """Time ``rounds`` rounds after the warm-up; whole rounds are kept whatever ends it.

        Args:
            rounds: How many more.
            progress: Called with the numbers of rounds done and to do.
        """
        for index in range(rounds):
            if progress:
                progress(index, rounds)
            names = list(self.contestants)
            start = index % max(len(names), 1)
            order = names[start:] + names[:start]
            times = {name: self._time(name, self._repeats.get(name, 1)) for name in order}
            self.rounds.append({name: times[name] for name in names if name in self.contestants})

    def seconds(self, name: str) -> Spread | None:
        """What a call of a contestant takes; None if nothing was measured of it."""
        times = self._times(name)
        return Spread.of(times) if times else None

    def ratio(self, name: str, baseline: str) -> Ratio | None:
        """How many times as fast as ``baseline`` a contestant is; None without both."""
        own, others = self._times(name), self._times(baseline)
        if not own or not others:
            return None
        by_round = [other / mine for mine, other in zip(own, others)]
        return Ratio(float(np.median(others) / np.median(own)), Spread.of(by_round))

    def _times(self, name: str) -> list[float]:
        return [each[name] for each in self.rounds if name in each and name in self.contestants]

    def _time(self, name: str, repeats: int) -> float:
        """Seconds per call; NaN for whoever fails, who is out from then on."""
        if name not in self.contestants:
            return math.nan
        call = self.contestants[name]
        try:
            self.prepare.get(name, _nothing)()
            self.synchronize()
            start = self.clock()
            for _ in range(repeats):
                call()
            self.synchronize()
            return (self.clock() - start) / repeats
        except Exception as error:  # one that cannot run must not end the others' contest
            self.not_run[name] = reason(error)
            del self.contestants[name]
            return math.nan


def reason(error: BaseException) -> str:
    """An error in one short line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    text = f'{type(error).__name__}: {lines[0].strip()}' if lines else type(error).__name__
    return text if len(text) <= MAX_REASON else f'{text[: MAX_REASON - 3]}...'


def _nothing() -> None:
    pass

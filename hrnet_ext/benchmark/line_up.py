"""Who takes part in a contest, once it is known that they can, and that they do the same work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from hrnet_ext.benchmark.contest import Call, reason
from hrnet_ext.benchmark.silence import overheard

Measure = Callable[[object, object], float]


@dataclass
class LineUp:
    """Contestants by name; who stayed out and why; how far results are from the baseline's.

    ``remarks`` are what somebody warned of while being built or called for the first time, such as
    that the network runs otherwise than its name says.
    """

    contestants: dict[str, Call] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    differences: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    _tolerances: dict[str, float] = field(default_factory=dict)

    def enter(self, name: str, build: Callable[[], Call], *, tolerance: float = 0.0) -> None:
        """Build a contestant; one that cannot be built is reported, not raised.

        Args:
            name: What the table calls it.
            build: Returns what is to be timed; that returns what :meth:`check` compares.
            tolerance: How far its result may be from the baseline's.
        """
        try:
            with self._listening(name):
                self.contestants[name] = build()
        except Exception as error:  # no compiler, no bf16, not installed: the others go on
            self.not_run[name] = reason(error)
            return
        self._tolerances[name] = tolerance

    def check(self, baseline: str, difference: Measure | None = None) -> None:
        """Call everybody once and put out who does not do the baseline's work.

        Args:
            baseline: Whose result is right. If it cannot run, nobody is compared.
            difference: How far a result is from the baseline's; by default
                :func:`relative_difference`.
        """
        difference = difference or relative_difference
        wanted = self._result(baseline)
        if wanted is None:
            return
        for name in [each for each in self.contestants if each != baseline]:
            found = self._result(name)
            if found is not None:
                self._compare(name, difference, (found, wanted))

    def _compare(self, name: str, difference: Measure, results: tuple) -> None:
        try:
            far = difference(*results)
        except Exception as error:
            self._put_out(name, f'its result cannot be compared: {reason(error)}')
            return
        self.differences[name] = far
        if not far <= self._tolerances[name]:
            self._put_out(
                name, f'not the same work: differs by {far:.2g}, allowed {self._tolerances[name]:g}'
            )

    def _result(self, name: str) -> object | None:
        if name not in self.contestants:
            return None
        try:
            with self._listening(name):
                return self.contestants[name]()
        except Exception as error:
            self._put_out(name, reason(error))
            return None

    @contextmanager
    def _listening(self, name: str) -> Iterator[None]:
        with overheard() as messages:
            yield
        self.remarks += [f'{name}: {message}' for message in dict.fromkeys(messages)]

    def _put_out(self, name: str, why: str) -> None:
        del self.contestants[name]
        self.not_run[name] = why


def relative_difference(found: object, wanted: object) -> float:
    """The largest difference of two arrays (or sequences of arrays), over the largest value."""
    found, wanted = as_arrays(found), as_arrays(wanted)
    if [each.shape for each in found] != [each.shape for each in wanted]:
        raise ValueError(f'shapes {[x.shape for x in found]}, not {[x.shape for x in wanted]}')
    scale = max(np.abs(each).max(initial=0.0) for each in wanted) or 1.0
    return max(float(np.abs(a - b).max(initial=0.0) / scale) for a, b in zip(found, wanted))


def as_arrays(result: object) -> list[np.ndarray]:
    """A tensor, an array or nested sequences of them as a flat list, in double precision."""
    if isinstance(result, (list, tuple)):
        return [array for each in result for array in as_arrays(each)]
    if hasattr(result, 'detach'):
        result = result.detach().float().cpu().numpy()
    return [np.asarray(result, np.float64)]

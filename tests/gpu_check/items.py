"""Items of the check: one question each, answered by PASS with figures, FAIL or SKIP."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

import torch

Figures = dict[str, float | int | str]
PASS, FAIL, SKIP = 'PASS', 'FAIL', 'SKIP'
MAX_REASON = 300


class Skipped(Exception):
    """Raised by an item that cannot be asked here, with the reason."""


@dataclass(frozen=True)
class Check:
    """What every item is given.

    Args:
        device: ``'cuda'``; ``'cpu'`` to see that the check itself runs.
        quick: The smallest networks and few repetitions: figures are not to be quoted.
    """

    device: str
    quick: bool

    @property
    def is_cuda(self) -> bool:
        return torch.device(self.device).type == 'cuda'

    @property
    def config(self) -> str:
        """The network that is asked about."""
        return 'hrnet_synthetic' if self.quick else 'hrnet_w32_coco'

    def synchronize(self) -> None:
        if self.is_cuda:
            torch.cuda.synchronize()


@dataclass(frozen=True)
class Result:
    """What came of an item.

    Args:
        item: Its name.
        status: PASS, FAIL or SKIP.
        seconds: It took.
        figures: What it measured, by name with unit.
        reason: Why it failed or was left out.
    """

    item: str
    status: str
    seconds: float = 0.0
    figures: Figures = field(default_factory=dict)
    reason: str = ''

    def __str__(self) -> str:
        facts = [f'{key} {_shown(value)}' for key, value in self.figures.items()]
        facts += [self.reason] if self.reason else []
        return f'{self.status}  {self.item} [{self.seconds:.1f} s]' + (
            f': {"; ".join(facts)}' if facts else ''
        )

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Group:
    """Items that share a process and a time limit.

    Args:
        items: Functions by what they ask.
    """

    items: dict[str, Callable[[Check], Figures]] = field(default_factory=dict)

    def item(self, name: str) -> Callable:
        """Decorates a function that returns figures, raises AssertionError or :class:`Skipped`."""

        def enter(function: Callable[[Check], Figures]) -> Callable[[Check], Figures]:
            self.items[name] = function
            return function

        return enter

    def run(self, check: Check) -> Iterator[Result]:
        """Ask every item, whatever became of the one before."""
        for name, function in self.items.items():
            start = time.perf_counter()
            status, figures, reason = PASS, {}, ''
            try:
                figures = function(check)
            except Skipped as why:
                status, reason = SKIP, str(why)
            except Exception as error:  # one item must not cost the others their answer
                status, reason = FAIL, _reason(error)
            yield Result(name, status, round(time.perf_counter() - start, 2), figures, reason)


def _reason(error: Exception) -> str:
    """The error and where it was raised, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f'{frames[-1].filename.rpartition("/")[2]}:{frames[-1].lineno}' if frames else ''
    text = ' '.join(str(error).split())[:MAX_REASON]
    return f'{type(error).__name__} at {place}: {text}'


def _shown(value: float | int | str) -> str:
    return f'{value:.4g}' if isinstance(value, float) else str(value)

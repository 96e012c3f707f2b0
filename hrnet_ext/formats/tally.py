"""Count unusable records of a file by reason, for one line of the log."""

import re
from collections.abc import Hashable, Iterable


class Tally:
    """Numbers of unusable records by reason, with the id of the first of each."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.firsts: dict[str, Hashable] = {}

    def add(self, reason: str, ids: Iterable[Hashable]) -> None:
        """Count records.

        Args:
            reason: Why they are unusable, such as 'without a box' or 'crowd(s)'; printed after
                their number.
            ids: Their ids.
        """
        for number in ids:
            self.counts[reason] = self.counts.get(reason, 0) + 1
            self.firsts.setdefault(reason, number)

    def with_firsts(self, reasons: Iterable[str] | None = None, *, noun: str = 'annotation') -> str:
        """'3 without a box (first: annotation 12), ...', for all reasons or the given ones."""
        return ', '.join(
            f'{counted(self.counts[reason], reason)} (first: {noun} {self.firsts[reason]!r})'
            for reason in (self.counts if reasons is None else reasons)
        )

    def __str__(self) -> str:
        return ', '.join(counted(count, reason) for reason, count in self.counts.items())


def counted(count: int, what: str) -> str:
    """'1 box', '2,000 boxes' of 'box(es)'."""
    return f'{count:,} ' + re.sub(r'\((e?s)\)', '' if count == 1 else r'\1', what)

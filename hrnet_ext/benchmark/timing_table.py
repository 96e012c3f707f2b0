"""A contest as a table: time per item, items a second, and how many times as fast, last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from hrnet_ext.benchmark.contest import Contest
from hrnet_ext.benchmark.report import Cell, Table

MILLI = 1e3


def timing_columns(item: str, extra: tuple[str, ...], baseline: str) -> tuple[str, ...]:
    """The columns that :func:`add_timings` fills."""
    return (
        'contestant',
        f'ms per {item} (quartiles)',
        f'{item}s/s',
        *extra,
        f'times {baseline}',
        'by round (quartiles)',
    )


def add_timings(
    table: Table,
    contest: Contest,
    *,
    items: int,
    baseline: str,
    extra: Mapping[str, Callable[[str], Cell]] | None = None,
    hidden: Collection[str] = (),
) -> None:
    """Add a row for everybody, the baseline among them, and those who did not run at the end.

    Args:
        table: With :func:`timing_columns`.
        contest: As far as it was measured.
        items: How many images, people, ... one call handles.
        baseline: Whom the others are compared with.
        extra: Functions of the contestant's name, by column.
        hidden: Who gets no row.
    """
    for name in contest.contestants:
        seconds = contest.seconds(name)
        if seconds is None or name in hidden:
            continue
        ratio = contest.ratio(name, baseline)
        table.add(
            name,
            seconds.scaled(MILLI / items),
            items / seconds.median,
            *[of_name(name) for of_name in (extra or {}).values()],
            ratio and ratio.of_medians,
            ratio and ratio.by_round,
        )
    for name, why in contest.not_run.items():
        table.add(name, f'not run: {why}')

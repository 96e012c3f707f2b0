"""What a benchmark measured: tables of numbers, as Markdown and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Spread:
    """A median with its quartiles."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float], scale: float = 1.0) -> Spread:
        """The spread of at least one value, multiplied by ``scale``."""
        lower, median, upper = np.percentile(np.asarray(values) * scale, (25, 50, 75)).tolist()
        return cls(median, lower, upper)


Cell = str | float | int | Spread | None


@dataclass
class Table:
    """Rows of cells; ``notes`` are printed below the table."""

    title: str
    columns: list[str]
    rows: list[list[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """Add a row; cells missing at its end are empty."""
        assert len(cells) <= len(self.columns), f'{len(cells)} cells in {len(self.columns)} columns'
        self.rows.append([*cells, *[None] * (len(self.columns) - len(cells))])

    def as_dict(self) -> dict[str, Any]:
        """For JSON; each row is a dict by column."""
        return {
            **asdict(self),
            'rows': [dict(zip(self.columns, row)) for row in asdict(self)['rows']],
        }

    def __str__(self) -> str:
        lines = [self.columns, ['---'] * len(self.columns), *[map(show, row) for row in self.rows]]
        table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
        notes = ''.join(f'\n- {note}' for note in self.notes)
        return f'### {self.title}\n\n{table}\n{notes}'.rstrip()


@dataclass
class Report:
    """A whole run: the machine, the options, the tables, and why some parts did not run."""

    machine: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    not_run: dict[str, str] = field(default_factory=dict)

    def table(self, title: str, *columns: str, notes: Sequence[str] = ()) -> Table:
        """A new table of this report."""
        self.tables.append(Table(title, list(columns), notes=list(notes)))
        return self.tables[-1]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), 'tables': [table.as_dict() for table in self.tables]}


def show(cell: Cell) -> str:
    """A cell as text: numbers with three significant digits, a spread as median (lower-upper)."""
    if cell is None:
        return ''
    if isinstance(cell, Spread):
        return f'{show(cell.median)} ({show(cell.lower)}-{show(cell.upper)})'
    if not isinstance(cell, float):
        return str(cell)
    if not math.isfinite(cell) or cell == 0:
        return f'{cell:g}'
    if not 1e-3 <= abs(cell) < 1e6:
        return f'{cell:.1e}'
    return f'{cell:.{max(0, 2 - math.floor(math.log10(abs(cell))))}f}'

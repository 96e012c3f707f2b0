"""What a benchmark found: tables of numbers, as Markdown and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

from hrnet_ext.benchmark.contest import Spread

LOAD_AT_END = 'load at end'
Cell = str | float | int | Spread | None


@dataclass
class Table:
    """Rows of cells under columns; ``notes`` stand below."""

    title: str
    columns: list[str]
    rows: list[list[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """A row; cells that are left out at its end are empty."""
        assert len(cells) <= len(self.columns), f'{len(cells)} cells in {len(self.columns)} columns'
        self.rows.append([*cells, *[None] * (len(self.columns) - len(cells))])

    def as_dict(self) -> dict[str, Any]:
        """For JSON; rows are dicts by column."""
        rows = [{name: _plain(cell) for name, cell in zip(self.columns, row)} for row in self.rows]
        return {'title': self.title, 'columns': self.columns, 'rows': rows, 'notes': self.notes}

    def __str__(self) -> str:
        """As Markdown."""
        lines = [self.columns, ['---'] * len(self.columns)]
        lines += [[show(cell) for cell in row] for row in self.rows]
        table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
        notes = ''.join(f'\n- {note}' for note in self.notes)
        return f'### {self.title}\n\n{table}\n{notes}'.rstrip()


@dataclass
class Report:
    """All of a run: the machine, the options, the tables in the order in which they began."""

    machine: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    not_run: dict[str, str] = field(default_factory=dict)

    def table(self, title: str, *columns: str) -> Table:
        """A new table, which is part of the report from now on."""
        self.tables.append(Table(title, list(columns)))
        return self.tables[-1]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            'machine': self.machine,
            'options': self.options,
            'tables': [table.as_dict() for table in self.tables],
            'not_run': self.not_run,
        }

    def header(self) -> str:
        """What is known before anything is measured, as Markdown."""
        return _items({k: v for k, v in self.machine.items() if k != LOAD_AT_END})

    def footer(self) -> str:
        """What is known at the end: the load, and the parts that did not run."""
        end = {LOAD_AT_END: self.machine.get(LOAD_AT_END, 'unknown')}
        missing = {part: f'not run: {why}' for part, why in self.not_run.items()}
        return _items({**end, **missing})


def show(cell: Cell) -> str:
    """A cell as text: three digits that count, a spread as ``median (lower-upper)``."""
    if cell is None:
        return ''
    if isinstance(cell, Spread):
        return f'{show(cell.median)} ({show(cell.lower)}-{show(cell.upper)})'
    if isinstance(cell, float):
        return _digits(cell)
    return str(cell)


def _digits(value: float) -> str:
    if not math.isfinite(value) or value == 0:
        return f'{value:g}'
    if not 1e-3 <= abs(value) < 1e6:
        return f'{value:.1e}'
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f'{value:.{decimals}f}'


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) else value


def _items(facts: dict[str, Any]) -> str:
    return '\n'.join(f'- {key}: {value}' for key, value in facts.items())

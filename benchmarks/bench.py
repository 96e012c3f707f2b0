"""Run the parts that the command line names; print and keep what each of them measures."""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np
import torch
from torch.utils.benchmark import timer

import hrnet_ext
from benchmarks.comparison import Comparison, reason, relative_difference
from benchmarks.options import PARTS
from benchmarks.processes import in_child, silence
from benchmarks.report import Cell, Report, Spread, Table
from hrnet_ext.cpu_limit import VARIABLES
from hrnet_ext.engine.run_config import read_config
from hrnet_ext.precision import choice_for
from hrnet_ext.writing import check_writable, write_json

PACKAGES = ('torch', 'mmpose', 'mmdet', 'mmengine', 'numpy', 'onnxruntime', 'openvino')
# What limits the instructions of oneDNN, ATen, MKL and OpenVINO
LIMITS = (*VARIABLES, 'ATEN_CPU_CAPABILITY', 'MKL_ENABLE_INSTRUCTIONS', 'OV_CPU_MAX_ISA')


class Bench:
    """What a part gets: options, a folder for data, and functions that measure into the report."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.report = Report(options=vars(options))
        self.clock = timer if options.clock == 'wall' else time.process_time
        self._progress = sys.stderr  # which is redirected while a part runs

    def say(self, text: str) -> None:
        """Show what is being done: on one line of a terminal, else on a new line."""
        # Not by rich, whose thread would compute beside what is timed
        is_terminal = self._progress.isatty()
        self._progress.write(f'\r{text[:99]:<99}\r' if is_terminal else f'{text}\n')
        self._progress.flush()

    def in_child(self, table: Table, function: Callable, name: str, *args: Any) -> Any:
        """Call ``function(name, *args)`` in a process of its own; add a row if it fails."""
        self.say(f'{table.title}: {name}')
        try:
            return in_child(function, name, *args)
        except Exception as error:
            table.add(name, f'not run: {reason(error)}')
            return None

    def comparison(self) -> Comparison:
        """An empty comparison with MMPose, on the clock that the options name."""
        return Comparison(self.clock, least_seconds=0.005 if self.options.quick else 0.05)

    def measure(
        self,
        comparison: Comparison,
        title: str,
        item: str,
        *,
        items: int = 1,
        difference: Callable[[object, object], float] | None = relative_difference,
        off_by: str = '',
        extra: Mapping[str, Callable[[str], Cell]] | None = None,
        notes: Iterable[str] = (),
        hidden: Collection[str] = (),
        warm_up: int = 3,
        rounds: int | None = None,
    ) -> None:
        """Check and time a comparison and add its table to the report, also if interrupted.

        Args:
            comparison: With its entries.
            title: Of the table.
            item: What one call handles, such as 'image'; ``items`` of them.
            difference: Of a result and the baseline's; None for no check.
            off_by: Column for these differences; '' for none.
            extra: Further columns, as functions of the entry's name.
            notes: For the foot of the table. A generator runs after the timing.
            hidden: Entries without a row.
            warm_up: Calls of each entry before the first round, one at most if quick.
            rounds: In place of the options'.
        """
        if difference:
            self.say(f'{title}: comparing results')
            comparison.check(difference)
        extra = {**(extra or {}), **({off_by: comparison.differences.get} if off_by else {})}
        rounds = rounds or self.options.rounds
        table = self.report.table(
            title, 'entry', f'ms per {item} (quartiles)', f'{item}s/s', *extra,
            f'times {comparison.baseline}', 'by round (quartiles)',
        )  # fmt: skip
        try:
            self.say(f'{title}: warm-up')
            comparison.warm_up(min(warm_up, 1) if self.options.quick else warm_up)
            comparison.run(rounds, lambda done: self.say(f'{title}: round {done + 1} of {rounds}'))
        finally:
            for name in [name for name in comparison.entries if name not in hidden]:
                if seconds := comparison.seconds(name):
                    speed = items / float(np.median(seconds))
                    more = [cell(name) for cell in extra.values()]
                    speedups = comparison.speedup(name) or ()
                    table.add(name, Spread.of(seconds, 1e3 / items), speed, *more, *speedups)
            for name, why in comparison.not_run.items():
                table.add(name, f'not run: {why}')
            table.notes += [*notes, *comparison.remarks]


def run(options: argparse.Namespace, out: TextIO) -> Report:
    """Run all parts; the tables of each are printed when it is done.

    Args:
        options: Of :func:`benchmarks.options.parse`.
        out: Where the tables are printed.

    Raises:
        ValueError, OSError: If the config cannot be read, or if the only part cannot run.
        KeyboardInterrupt: After the tables so far are printed and written.
    """
    read_config(options.config, [])
    if options.json:
        check_writable(Path(options.json).parent)
    if options.threads:
        torch.set_num_threads(options.threads)
    cv2.setNumThreads(torch.get_num_threads())
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(options, Path(options.scratch or temporary))
        machine = bench.report.machine = describe_machine(options.device)
        print(
            '\n'.join(f'- {key}: {value}' for key, value in machine.items()), file=out, flush=True
        )
        try:
            for part in options.only:
                _run_part(part, bench, out)
        finally:
            machine['load at end'] = load_average()
            print(f'\n- load at end: {machine["load at end"]}', file=out)
            for part, why in bench.report.not_run.items():
                print(f'- {part}: not run: {why}', file=out)
            if options.json:
                write_json(options.json, bench.report.as_dict(), indent=2)
    return bench.report


def _run_part(part: str, bench: Bench, out: TextIO) -> None:
    done = len(bench.report.tables)
    try:
        with silence():
            bench.say(f'{part}: preparing')
            getattr(importlib.import_module(f'benchmarks.{PARTS[part]}'), f'run_{part}')(bench)
    except Exception as error:  # the other parts still run
        if len(bench.options.only) == 1:
            raise
        bench.report.not_run[part] = reason(error)
    finally:
        for table in bench.report.tables[done:]:
            if table.rows:
                print(f'\n{table}', file=out, flush=True)


def describe_machine(device: str) -> dict[str, Any]:
    """Processor, threads, device, versions, date: what a quoted number needs."""
    lines = [line.partition(':') for line in Path('/proc/cpuinfo').read_text().splitlines()]
    cpu = {key.strip(): value.strip() for key, _, value in lines}
    cpu = ', '.join(
        f'{key} {cpu[key]}' for key in ('model name', 'cpu family', 'model') if key in cpu
    )
    bf16 = 'bf16' if choice_for('cpu').inference == 'bf16' else 'no bf16'
    limits = [f'{name}={os.environ[name]}' for name in LIMITS if os.environ.get(name)]
    installed = {each.metadata['Name'].lower(): each.version for each in metadata.distributions()}
    versions = {'hrnet_ext': hrnet_ext.__version__, 'Python': platform.python_version()}
    versions |= {name: installed[name] for name in PACKAGES if name in installed}
    is_cuda = torch.device(device).type == 'cuda'
    return {
        'processor': f'{cpu}, {len(os.sched_getaffinity(0))} cores',
        'threads': torch.get_num_threads(),
        'device': f'{device}, {torch.cuda.get_device_name(device)}' if is_cuda else device,
        'instructions': ', '.join([torch.backends.cpu.get_cpu_capability(), bf16, *limits]),
        'versions': ', '.join(f'{name} {version}' for name, version in versions.items()),
        'date': datetime.datetime.now().astimezone().isoformat(timespec='minutes'),
        'load at start': load_average(),
    }


def load_average() -> str:
    """Processes that wanted to run, on average over 1, 5 and 15 minutes."""
    return ' '.join(f'{load:.2f}' for load in os.getloadavg())

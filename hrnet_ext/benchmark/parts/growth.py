"""How a test run grows with the number of people: time per person and memory, which should not."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from hrnet_ext.benchmark.child import in_child
from hrnet_ext.benchmark.contest import reason
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.rendered import first_people, render
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage, synchronizer
from hrnet_ext.benchmark.timing_table import MILLI
from hrnet_ext.benchmark.twin_runs import MMPOSE, TwinRuns
from hrnet_ext.benchmark.twins import Twins

CONFIG = 'hrnet_synthetic'  # small: what is looked at is everything around the network
CONTESTANTS = (MMPOSE, 'ours, fp32')
PICTURES = 0.75  # at most, for each of the people


def run(options: Options, report: Report, stage: Stage) -> None:
    """A table with a row for each size and contestant, each in a process of its own."""
    options = type(options)(**{**options.as_dict(), 'config': CONFIG, 'checkpoint': None})
    folder = render(stage, num_train=1, num_val=max(1, round(max(options.growth) * PICTURES)))
    table = report.table(
        f'growth: test runs of {CONFIG}, each in a process of its own, no workers',
        'contestant', 'people', 's', 'ms per person', 'peak memory, MiB', 'KiB per person more',
    )  # fmt: skip
    table.notes.append(
        'one run each; "KiB per person more": growth of the peak since the size before'
    )
    for name in CONTESTANTS:
        before: tuple[int, int] | None = None
        for size in options.growth:
            annotations, num_people = first_people(folder, size)
            stage.say(f'{name}, {num_people} people')
            arguments = (options, name, folder, annotations, stage.folder / 'growth')
            try:
                seconds, peak = in_child(test_run, *arguments, threads=torch.get_num_threads())
            except RuntimeError as error:
                table.add(name, f'not run: {reason(error)}')
                continue
            more = before and (peak - before[1]) / (num_people - before[0]) / 2**10
            table.add(name, num_people, seconds, seconds * MILLI / num_people, peak / 2**20, more)
            before = num_people, peak


def test_run(
    options: Options, name: str, folder: Path, annotations: str, work_dir: Path
) -> tuple[float, int]:
    """Seconds and peak memory of a run; called in a process of its own."""
    from hrnet_ext.benchmark.peak import peak_memory

    runs = TwinRuns(Twins(options), folder, annotations, work_dir=work_dir, workers=0)
    runner = runs.runner(name)
    wait = synchronizer(options.device)
    start = time.perf_counter()
    runner.test()
    wait()
    return time.perf_counter() - start, peak_memory('cpu')

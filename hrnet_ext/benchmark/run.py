"""Run parts one after another, and keep what each has found whatever happens to the next."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import cv2
import torch

from hrnet_ext.benchmark.contest import reason
from hrnet_ext.benchmark.machine import describe_machine, load_average
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.report import LOAD_AT_END, Report, Table
from hrnet_ext.benchmark.silence import silence
from hrnet_ext.benchmark.stage import Stage


class Benchmark:
    """A run of the parts that the options name.

    Args:
        options: What to run.

    Attributes:
        report: All that was measured; whole at any time, also after an interruption.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        if options.threads:
            torch.set_num_threads(options.threads)
        cv2.setNumThreads(torch.get_num_threads())
        self.report = Report(describe_machine(options.device), options.as_dict())
        self.report.machine['load at start'] = load_average()
        self._stage = Stage(options)

    def run(self) -> Iterator[Table]:
        """Measure; hands over the tables of a part once it is through."""
        try:
            for name in self.options.only:
                before = len(self.report.tables)
                self._stage.begin(name)
                self._run_part(name)
                self._stage.clear()
                yield from self.report.tables[before:]
        finally:
            self._stage.clear()
            self.report.machine[LOAD_AT_END] = load_average()

    def _run_part(self, name: str) -> None:
        part = importlib.import_module(f'hrnet_ext.benchmark.parts.{name}')
        with silence():
            try:
                part.run(self.options, self.report, self._stage)
            except Exception as error:  # a part must not cost the others their results
                if self.options.only == (name,):
                    raise
                self.report.not_run[name] = reason(error)

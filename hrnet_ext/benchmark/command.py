"""What the command line asks for: options made, tables printed, everything written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

from mmengine.device import get_device

from hrnet_ext.apis.run_config import read_config
from hrnet_ext.benchmark.options import ON_CUDA, QUICK, Options, default_data
from hrnet_ext.benchmark.report import Report, Table
from hrnet_ext.benchmark.run import Benchmark
from hrnet_ext.inference.modes import check_mode
from hrnet_ext.writing import check_writable, write_json


def run(given: dict[str, Any], out: TextIO) -> Report:
    """Run what was asked for.

    Args:
        given: Arguments that were given, by the names of :class:`Options`; ``json`` besides.
        out: Where the tables go, each part's as soon as it is done.

    Raises:
        ValueError, OSError: If something in them is wrong, before anything is measured.
        KeyboardInterrupt: After what was measured so far is printed and written.
    """
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in given.items()}
    path = given.pop('json', None)
    options = make_options(given)
    if path:
        check_writable(Path(path).parent)
    benchmark = Benchmark(options)
    print(benchmark.report.header(), file=out, flush=True)
    printed: list[Table] = []
    try:
        for table in benchmark.run():
            print(f'\n{table}', file=out, flush=True)
            printed.append(table)
    finally:
        rest = [table for table in benchmark.report.tables if table.rows and table not in printed]
        for table in rest:
            print(f'\n{table}', file=out)
        print(f'\n{benchmark.report.footer()}', file=out, flush=True)
        if path:
            write_json(path, benchmark.report.as_dict(), indent=2)
    return benchmark.report


def make_options(given: dict[str, Any]) -> Options:
    """Options from what was given, else from ``--quick``, else the defaults; checked.

    Raises:
        ValueError, OSError: If something is wrong.
    """
    device = given.get('device', get_device())
    defaults = {'device': device, 'data': default_data()}
    by_device = ON_CUDA if device.startswith('cuda') else {}
    quick = QUICK if given.get('quick') else {}
    options = Options(**{**defaults, **by_device, **quick, **given})
    for mode in options.modes:
        check_mode(mode)
    read_config(options.config, [])
    return options

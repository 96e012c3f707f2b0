"""Measure hrnet_ext and MMPose: the same work, the same weights, one process, in turns."""

import signal
import sys
from pathlib import Path

from hrnet_ext import cli

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run the parts; print each table when it is done."""
    if not (ROOT / 'benchmarks').is_dir():
        raise FileNotFoundError(
            'the benchmarks are not part of the installed package; run tools/benchmark.py in a '
            'checkout of the repository'
        )
    sys.path.insert(0, str(ROOT))
    from benchmarks.options import parse

    options = parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: prints what there is

    from benchmarks.bench import run

    run(options, sys.stdout)


if __name__ == '__main__':
    cli.run(main, after_interrupt='measured so far: above')

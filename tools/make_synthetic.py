"""Renders a data set of synthetic people in COCO's layout; needs no download."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='The same arguments always give the same files, and a data set that is there '
        'already is used as it is.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('out', metavar='OUT', type=Path, help='folder to make')
    parser.add_argument(
        '--difficulty',
        choices=('easy', 'hard'),
        default='easy',
        help='easy: 1-2 upright people before a plain wall; hard: 1-4 people in any pose, '
        'overlapping and cut off, in clutter',
    )
    parser.add_argument('--num-train', type=int, default=2000, metavar='N', help='pictures')
    parser.add_argument('--num-val', type=int, default=500, metavar='N', help='pictures')
    parser.add_argument(
        '--size', type=int, default=256, metavar='PIXELS', help='width and height of a picture'
    )
    parser.add_argument('--seed', type=int, default=0, help='source of chance')
    parser.add_argument(
        '--workers',
        type=int,
        default=len(os.sched_getaffinity(0))
        if hasattr(os, 'sched_getaffinity')
        else os.cpu_count() or 1,
        metavar='N',
        help='processes that render; the files do not depend on it',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace a rendered data set in OUT'
    )
    return parser.parse_args(argv)


class ProgressBar:
    """A bar on a terminal, a line for every tenth elsewhere; both on standard error."""

    def __init__(self, width: int = 30) -> None:
        self._width = width
        self._start = time.monotonic()
        self._tenths = 0
        self._open = False

    def __call__(self, done: int, total: int) -> None:
        """Shows ``done`` of ``total`` pictures."""
        elapsed = max(time.monotonic() - self._start, 1e-6)
        rate = done / elapsed
        text = f'{done}/{total} pictures, {rate:.0f}/s, {(total - done) / rate:.0f} s left'
        if sys.stderr.isatty():
            filled = self._width * done // total
            bar = '#' * filled + '.' * (self._width - filled)
            self._open = done < total
            end = '' if self._open else '\n'
            print(f'\r[{bar}] {text}\033[K', end=end, file=sys.stderr, flush=True)
        elif done * 10 // total > self._tenths:
            self._tenths = done * 10 // total
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leaves the line of an unfinished bar."""
        if self._open:
            self._open = False
            print(file=sys.stderr)


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def main() -> int:
    """Runs the tool and returns its exit status."""
    args = parse_args()
    signal.signal(signal.SIGTERM, _terminate)
    progress = ProgressBar()
    try:
        # Imported here, so that --help is instant.
        from hrnet_ext.datasets.synthetic import SyntheticSpec, generate

        spec = SyntheticSpec(
            difficulty=args.difficulty,
            num_train=args.num_train,
            num_val=args.num_val,
            size=args.size,
            seed=args.seed,
        )
        rendered = generate(
            args.out,
            spec,
            num_workers=args.workers,
            overwrite=args.overwrite,
            progress=progress,
        )
    except KeyboardInterrupt:
        progress.close()
        print(f'interrupted; {args.out} was not written', file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        progress.close()
        print(f'error: {error}', file=sys.stderr)
        return 1
    what = f'{spec.num_train} + {spec.num_val} {spec.difficulty} pictures (train + val)'
    print(f'{"rendered" if rendered else "found"} {what} in {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())

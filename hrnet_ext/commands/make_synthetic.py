"""Render a data set of people in the layout of COCO, MPII or PoseTrack18: make-synthetic OUT"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

LAYOUTS = ('coco', 'mpii', 'posetrack18')
SPEC_ARGUMENTS = ('difficulty', 'num_train', 'num_val', 'num_frames', 'size', 'width', 'height')
"""Arguments with the layout's own defaults; not every layout takes all."""


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Render a data set of people in the layout of COCO, MPII or PoseTrack18.',
        epilog='The same arguments always give the same files, and a data set that is there '
        'already is used as it is.',
    )
    parser.add_argument('out', metavar='OUT', type=Path, help='folder to make')
    parser.add_argument(
        '--layout',
        choices=LAYOUTS,
        default='coco',
        help='coco, mpii: images (default: coco); posetrack18: videos with track ids, ignore '
        'regions, unlabeled frames and simulated detector boxes',
    )
    parser.add_argument(
        '--difficulty',
        choices=('easy', 'hard'),
        help='easy (default): 1-2 upright people before a plain wall; hard: 1-4 people in any '
        'pose, overlapping and cut off, in clutter. Videos: plain or patterned clothes and walls',
    )
    parser.add_argument(
        '--num-train',
        type=int,
        metavar='N',
        help='images (default: 2000), with posetrack18 videos (default: 12)',
    )
    parser.add_argument(
        '--num-val',
        type=int,
        metavar='N',
        help='images (default: 500), with posetrack18 videos (default: 4)',
    )
    parser.add_argument(
        '--size',
        type=int,
        metavar='PIXELS',
        help='coco, mpii: width and height of an image (default: 256)',
    )
    video = parser.add_argument_group('posetrack18 only')
    video.add_argument(
        '--num-frames', type=int, metavar='N', help='of a video, ten a second (default: 30)'
    )
    video.add_argument('--width', type=int, metavar='PIXELS', help='of a frame (default: 320)')
    video.add_argument('--height', type=int, metavar='PIXELS', help='of a frame (default: 240)')
    parser.add_argument('--seed', type=int, default=0, help='random seed (default: 0)')
    num_cores = num_usable_cores()
    parser.add_argument(
        '--workers',
        type=int,
        default=num_cores,
        metavar='N',
        help='processes that render; the files do not depend on it (default: the number of '
        f'cores, {num_cores})',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace a rendered data set in OUT'
    )
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return make_parser().parse_args(arguments)


def num_usable_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def given_arguments(args: argparse.Namespace) -> dict[str, Any]:
    """Those of the arguments of a spec that were given, and the seed."""
    given = {name: getattr(args, name) for name in SPEC_ARGUMENTS}
    return {name: value for name, value in given.items() if value is not None} | {'seed': args.seed}


class ProgressBar:
    """A bar on a terminal, a line for every tenth elsewhere; both on standard error."""

    def __init__(self, width: int = 30) -> None:
        self._width = width
        self._start = time.monotonic()
        self._tenths = 0
        self._open = False

    def __call__(self, done: int, total: int) -> None:
        """Show ``done`` of ``total`` images."""
        elapsed = max(time.monotonic() - self._start, 1e-6)
        rate = done / elapsed
        text = f'{done}/{total} images, {rate:.0f}/s, {(total - done) / rate:.0f} s left'
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
        """Leave the line of an unfinished bar."""
        if self._open:
            self._open = False
            print(file=sys.stderr)


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    args = parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    progress = ProgressBar()
    try:
        # Imported here, so that --help is instant.
        from hrnet_ext.synthetic import generate, make_spec

        spec = make_spec(args.layout, **given_arguments(args))
        rendered = generate(
            args.out,
            spec,
            layout=args.layout,
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
    print(f'{"rendered" if rendered else "found"} {spec} in {args.out}')
    return 0

"""Measure hrnet_ext beside MMPose: the same work, the same weights, one process, in turns."""

from __future__ import annotations

import argparse
import signal
import sys

from hrnet_ext import cli
from hrnet_ext.benchmark.parts import PARTS


def main() -> None:
    """Run the parts; print each table as it is done, and write all of them at the end."""
    args = parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: prints what there is

    from hrnet_ext.benchmark.command import run  # after parsing: --help waits for nothing

    run({key: value for key, value in vars(args).items() if value is not None}, sys.stdout)


def parse_args() -> argparse.Namespace:
    """The arguments; what is left out is None, and the part's own choice."""
    parser = argparse.ArgumentParser(
        description='Time hrnet_ext and MMPose in turns, on the same work with the same weights: '
        'medians with quartiles, and last how many times as fast as MMPose. What cannot run here '
        'is reported as not run.',
        epilog='Quote numbers of a machine that does nothing else; its load is part of the output.',
    )
    parser.add_argument(
        '--only', nargs='+', choices=PARTS, metavar='PART',
        help=f'parts to run, of {", ".join(PARTS)} (all)',
    )  # fmt: skip
    parser.add_argument('--device', help='cpu, cuda:0, ... (a GPU if there is one)')
    parser.add_argument('--threads', type=int, metavar='N', help="compute threads (PyTorch's own)")
    parser.add_argument('--json', metavar='FILE', help='write everything here, too')
    parser.add_argument(
        '--quick', action='store_true', default=None,
        help='a small network, little data, few rounds: to see that it runs, not to quote',
    )  # fmt: skip
    cli.add_debug_argument(parser)

    measuring = parser.add_argument_group('measuring')
    measuring.add_argument('--rounds', type=int, metavar='N', help='timings of everybody (10)')
    measuring.add_argument(
        '--clock',
        choices=('wall', 'cpu'),
        help="wall; or cpu, this process's time on all cores, for busy machines (wall)",
    )

    measuring.add_argument(
        '--in-process', action=argparse.BooleanOptionalAction,
        help='leave out what takes a process for each number: start-up time, memory',
    )  # fmt: skip

    model = parser.add_argument_group('model and data')
    model.add_argument('--config', help='config, or name of a shipped one (hrnet_w32_coco)')
    model.add_argument('--checkpoint', metavar='FILE', help='its weights (random ones)')
    model.add_argument(
        '--detector', metavar='CONFIG',
        help="inferencer: MMDetection's config that finds the people (their boxes are given)",
    )  # fmt: skip
    model.add_argument('--detector-checkpoint', metavar='FILE', help='its weights')
    model.add_argument(
        '--modes', nargs='+', metavar='MODE',
        help='of hrnet_ext.optimize (off fp32 bf16; on CUDA with +compile and fp16, too)',
    )  # fmt: skip
    model.add_argument('--data', metavar='DIR', help="photographs in COCO's layout, for data")
    model.add_argument(
        '--scratch', metavar='DIR', help='keep rendered data here (a temporary folder)'
    )

    sizes = parser.add_argument_group('sizes')
    sizes.add_argument(
        '--batch-sizes', type=int, nargs='+', metavar='B', help='forward (1 8, on CUDA 64, too)'
    )
    sizes.add_argument('--train-batch', type=int, metavar='B', help='train (8, on CUDA 64)')
    sizes.add_argument('--people', type=int, metavar='N', help='test (500)')
    sizes.add_argument('--growth', type=int, nargs='+', metavar='N', help='growth (200 1000 5000)')
    sizes.add_argument('--workers', type=int, metavar='N', help='of data loaders (2)')
    sizes.add_argument(
        '--loss-curve', type=int, metavar='STEPS',
        help='train: compare so many steps in fp32 and bf16, minutes (0)',
    )  # fmt: skip
    return parser.parse_args()


if __name__ == '__main__':
    cli.run(main, after_interrupt='measured so far: above')

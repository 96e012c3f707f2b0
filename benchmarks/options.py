"""The command line of the benchmark, checked before anything is measured."""

from __future__ import annotations

import argparse
import os
from typing import Any

from hrnet_ext import cli

PARTS = {
    'forward': 'forward', 'train': 'training', 'data': 'data', 'codec': 'codec',
    'test': 'test_runs', 'growth': 'test_runs', 'inferencer': 'end_to_end', 'export': 'end_to_end',
    'eval': 'evaluation',
}  # fmt: skip
"""Modules of the parts, in the order in which they run."""

ON_CUDA: dict[str, Any] = {
    'batch_sizes': [1, 8, 64], 'train_batch': 64,
    'modes': ['off', 'fp32', 'fp32+compile', 'bf16', 'bf16+compile', 'fp16', 'fp16+compile'],
}  # fmt: skip
QUICK: dict[str, Any] = {
    'config': 'hrnet_synthetic', 'rounds': 3, 'batch_sizes': [1, 4], 'people': 40,
    'modes': ['off', 'fp32', 'bf16'], 'growth': [20, 60], 'workers': 0, 'in_process': True,
}  # fmt: skip


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options; what the command line leaves out depends on ``--quick`` and the device.

    Raises:
        SystemExit: If an argument is wrong.
        ValueError: If the device cannot be used.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    import torch  # only now: --help should not wait for it
    from mmengine.device import get_device

    device = given.device or get_device()
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        usable = ', '.join(['cpu', *[f'cuda:{i}' for i in range(torch.cuda.device_count())]])
        raise ValueError(f'--device {device} cannot be used here; there is {usable}') from error
    by_device = ON_CUDA if device.startswith('cuda') else {}
    parser.set_defaults(**{**by_device, **(QUICK if given.quick else {}), 'device': device})
    return parser.parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description='Time hrnet_ext and MMPose in turns, on the same work with the same weights. '
        'The tables give medians with quartiles, and how many times as fast as MMPose each entry '
        'is. What cannot run here is listed as not run.',
        epilog='Quote numbers of an otherwise idle machine; its load is part of the output. '
        '--quick has other defaults.',
    )
    cli.add_debug_argument(parser)
    add = parser.add_argument
    number = {'type': _positive, 'metavar': 'N'}
    add(
        '--only',
        nargs='+',
        choices=PARTS,
        default=[*PARTS],
        metavar='PART',
        help=f'parts to run, of {", ".join(PARTS)} (all)',
    )
    add('--quick', action='store_true', help='a small network and little data: only a trial')
    add('--device', help='cpu, cuda:0, ...; by default a GPU if there is one')
    add('--threads', **number, help="compute threads (PyTorch's default)")
    add('--json', metavar='FILE', help='also write everything to this file')
    add('--rounds', **number, default=10, help='timings of each entry (%(default)s)')
    add(
        '--clock', choices=('wall', 'cpu'), default='wall',
        help='cpu: the processor time of this process, for busy machines; '
        'without GPUs and data loader workers (%(default)s)',
    )  # fmt: skip
    add(
        '--in-process', action=argparse.BooleanOptionalAction, default=False,
        help='skip memory, which needs a process for each number',
    )  # fmt: skip
    add(
        '--config',
        default='hrnet_w32_coco',
        help='a config, or the name of a shipped one (%(default)s)',
    )
    add('--checkpoint', type=_existing, metavar='FILE', help='its weights (random)')
    add('--detector', metavar='CONFIG', help="inferencer: MMDetection's config (boxes are given)")
    add('--detector-checkpoint', type=_existing, metavar='FILE', help='its weights')
    add(
        '--modes', nargs='+', choices=cli.MODES, default=['off', 'fp32', 'bf16'], metavar='MODE',
        help='modes of hrnet_ext.optimize (off fp32 bf16; on CUDA also fp16 and +compile)',
    )  # fmt: skip
    add('--data', type=_existing, metavar='DIR', help="data: photographs in COCO's layout")
    add('--scratch', metavar='DIR', help='keep rendered data here (a temporary folder)')
    add(
        '--batch-sizes',
        **number,
        nargs='+',
        default=[1, 8],
        help='forward, export (1 8; on CUDA also 64)',
    )
    add('--train-batch', **number, default=8, help='train (8; on CUDA 64)')
    add('--people', **number, default=500, help='test (%(default)s)')
    add(
        '--growth',
        **number,
        nargs='+',
        default=[200, 1000, 5000],
        help='growth: people (200 1000 5000)',
    )
    add('--workers', type=_count, default=2, metavar='N', help='of data loaders (%(default)s)')
    add(
        '--loss-curve', type=_count, default=0, metavar='STEPS',
        help='train: also compare the losses of so many steps in fp32 and bf16 (none)',
    )  # fmt: skip
    return parser


def _count(text: str, least: int = 0) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f'should be at least {least}, but is {text}')
    return int(text)


def _positive(text: str) -> int:
    return _count(text, 1)


def _existing(path: str) -> str:
    if not os.path.exists(path):
        raise argparse.ArgumentTypeError(f'there is no {path}')
    return path

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


# Name, type, default and help; a list as default takes several values
OPTIONS: tuple[tuple[str, Any, Any, str], ...] = (
    ('only', str, [*PARTS], 'parts to run'),
    ('device', str, None, 'cpu, cuda:0, ...; by default a GPU if there is one'),
    ('threads', _positive, None, "compute threads; PyTorch's default"),
    ('json', str, None, 'file to write everything to, besides'),
    ('rounds', _positive, 10, 'timings of each entry'),
    (
        'clock',
        str,
        'wall',
        'wall; or cpu: CPU time of this process, for busy machines; not of GPU and workers',
    ),
    ('config', str, 'hrnet_w32_coco', 'a config, or the name of a shipped one'),
    ('checkpoint', _existing, None, 'its weights; random by default'),
    ('detector', str, None, "inferencer: MMDetection's config; boxes are given by default"),
    ('detector-checkpoint', _existing, None, 'its weights'),
    ('modes', str, ['off', 'fp32', 'bf16'], 'of hrnet_ext.optimize; on CUDA also fp16, +compile'),
    ('data', _existing, None, "data: folder of photographs in COCO's layout"),
    ('scratch', str, None, 'folder that keeps rendered data; a temporary one by default'),
    ('batch-sizes', _positive, [1, 8], 'forward, export; on CUDA also 64'),
    ('train-batch', _positive, 8, 'train; 64 on CUDA'),
    ('people', _positive, 500, 'test'),
    ('growth', _positive, [200, 1000, 5000], 'growth: numbers of people'),
    ('workers', _count, 2, 'data, test: of the data loaders'),
    ('loss-curve', _count, 0, 'train: compare the losses of so many steps in fp32 and bf16, too'),
)
CHOICES = {'only': PARTS, 'modes': cli.MODES, 'clock': ('wall', 'cpu')}
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
    from hrnet_ext.devices import choose_device  # only now: --help should not wait for PyTorch

    device = choose_device(given.device)
    by_device = ON_CUDA if device.startswith('cuda') else {}
    parser.set_defaults(**{**by_device, **(QUICK if given.quick else {}), 'device': device})
    return parser.parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description='Time hrnet_ext and MMPose in turns, on the same work with the same weights. '
        'The tables give medians with quartiles, and how many times as fast as MMPose each entry '
        'is. What cannot run here is listed as not run.',
        epilog='Quote numbers of an otherwise idle machine; its load is part of the output.',
    )
    cli.add_debug_argument(parser)
    quick = 'a small network and little data: a trial, not to be quoted'
    parser.add_argument('--quick', action='store_true', help=quick)
    parser.add_argument(
        '--in-process', action=argparse.BooleanOptionalAction, default=False,
        help='skip memory, which needs a process for each number',
    )  # fmt: skip
    for name, kind, default, text in OPTIONS:
        is_list = isinstance(default, list)
        shown = ' '.join(map(str, default)) if is_list else default
        parser.add_argument(
            f'--{name}', type=kind, nargs='+' if is_list else None, choices=CHOICES.get(name),
            default=default, metavar=name.upper().replace('-', '_'),
            help=text if shown is None else f'{text} ({shown})',
        )  # fmt: skip
    return parser

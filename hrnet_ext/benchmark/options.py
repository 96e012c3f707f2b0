"""What a benchmark is asked to do, checked before it begins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from hrnet_ext.benchmark.parts import PARTS
from hrnet_ext.devices import choose_device
from hrnet_ext.tf32 import uses_tf32

CLOCKS = ('wall', 'cpu')
FP32_OFF_BY = 1e-4
TF32_OFF_BY = 0.02  # random weights make small heatmaps of much noise


@dataclass(frozen=True)
class Options:
    """Settings of all parts; each takes what it needs. None is the part's own choice.

    Args:
        only: Parts to run, of :data:`~hrnet_ext.benchmark.parts.PARTS`.
        device: ``'cpu'``, ``'cuda:0'``, ...
        quick: A small network, little data, few rounds: to see that all runs, not to quote.
        threads: Compute threads of everybody.
        rounds: How often everybody is timed.
        clock: ``'wall'``; or ``'cpu'``, this process's time on all cores, which other processes
            disturb less. It says nothing of what a GPU or a data loader's workers do.
        config: Config of the pose model.
        checkpoint: Its weights; random ones if None.
        detector: Config of MMDetection that finds the people for ``inferencer``; None gives their
            boxes.
        detector_checkpoint: Its weights.
        batch_sizes: Of the forward pass.
        train_batch: Of the training step.
        modes: Of ``hrnet_ext.optimize``, one contestant each.
        data: Folder in COCO's layout with real photographs, for the part ``data``.
        scratch: Folder for rendered data, which is kept; None takes a temporary one.
        people: Size of the data set of ``test``.
        growth: Sizes of those of ``growth``.
        workers: Of the data loaders of ``test`` and ``growth``.
        in_process: Leave out what takes processes of its own: start-up time, memory.
        loss_curve: Steps of training to compare in fp32 and bf16; 0 for none.

    Raises:
        ValueError: If a value is unknown or out of range.
        FileNotFoundError: If ``data`` or a checkpoint does not exist.
    """

    only: tuple[str, ...] = PARTS
    device: str = 'cpu'
    quick: bool = False
    threads: int | None = None
    rounds: int = 10
    clock: str = 'wall'
    config: str = 'hrnet_w32_coco'
    checkpoint: str | None = None
    detector: str | None = None
    detector_checkpoint: str | None = None
    batch_sizes: tuple[int, ...] = (1, 8)
    train_batch: int = 8
    modes: tuple[str, ...] = ('off', 'fp32', 'bf16')  # on CPUs HRNets are not compiled
    data: str | None = None
    scratch: str | None = None
    people: int = 500
    growth: tuple[int, ...] = (200, 1000, 5000)
    workers: int = 2
    in_process: bool = False
    loss_curve: int = 0

    def __post_init__(self) -> None:
        _check_parts(self.only)
        choose_device(self.device)
        if self.clock not in CLOCKS:
            raise ValueError(f'--clock should be one of {", ".join(CLOCKS)}, not {self.clock!r}')
        for name in ('threads', 'rounds', 'train_batch', 'people'):
            _check_least(name, getattr(self, name), 1)
        for name in ('batch_sizes', 'growth'):
            for value in getattr(self, name):
                _check_least(name, value, 1)
        for name in ('workers', 'loss_curve'):
            _check_least(name, getattr(self, name), 0)
        if self.data is not None and not os.path.isdir(self.data):
            raise FileNotFoundError(f'--data: there is no folder {self.data}')
        for option in ('checkpoint', 'detector_checkpoint'):
            path = getattr(self, option)
            if path and not os.path.isfile(path):
                raise FileNotFoundError(f'--{option.replace("_", "-")}: there is no file {path}')

    @property
    def kind(self) -> str:
        """``'cpu'``, ``'cuda'``, ..."""
        return torch.device(self.device).type

    @property
    def float32_off_by(self) -> float:
        """How far results in float32 may be apart, over the largest value."""
        return TF32_OFF_BY if uses_tf32(self.device) else FP32_OFF_BY

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)


ON_CUDA: dict[str, Any] = {
    'batch_sizes': (1, 8, 64),
    'train_batch': 64,
    'modes': ('off', 'fp32', 'fp32+compile', 'bf16', 'bf16+compile', 'fp16', 'fp16+compile'),
}
"""What a GPU changes unless it is given; never run."""

QUICK: dict[str, Any] = {
    'quick': True,
    'config': 'hrnet_synthetic',
    'rounds': 3,
    'batch_sizes': (1, 4),
    'modes': ('off', 'fp32', 'bf16'),
    'people': 40,
    'growth': (20, 60),
    'workers': 0,
    'in_process': True,
}
"""What ``--quick`` sets unless it is given."""


def default_data() -> str | None:
    """The folder of real photographs beside a checkout of the project, if it is there."""
    folder = Path(__file__).resolve().parents[3] / 'shared' / 'data' / 'coco_mini'
    return str(folder) if folder.is_dir() else None


def _check_parts(only: Sequence[str]) -> None:
    unknown = [part for part in only if part not in PARTS]
    if unknown or not only:
        raise ValueError(f'--only takes {", ".join(PARTS)}; not {", ".join(unknown) or "nothing"}')


def _check_least(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        option = name.replace('_', '-')
        raise ValueError(f'--{option} should be at least {least}, but is {value}')

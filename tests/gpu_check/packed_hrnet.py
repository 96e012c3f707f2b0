"""An HRNet as a list of packed convolutions: the same network, fewer passes over memory.

It ran on oneDNN's operators on CPUs, until other engines did better there; for CUDA it is a
candidate, see :mod:`tests.gpu_check.candidates`.

Legend: maps are a list of one tensor per branch, finest first, channels-last in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrnet_ext.models import HRNet
from hrnet_ext.models.exchange import HRModule
from hrnet_ext.models.layers import ResidualBlock

Pack = Callable[..., Any]  # (conv, norm, relu=...) -> what is called, and has a method ``plus``
Step = Callable[[Tensor], Tensor]


class PackedHRNet:
    """What an HRNet computes in evaluation mode.

    Args:
        network: The network; it is left as it is.
        pack: Makes one of a convolution, its norm, and ``relu=True`` or ``False``.

    Raises:
        ValueError: If a convolution and its norm cannot be one.
    """

    def __init__(self, network: HRNet, pack: Pack) -> None:
        self._stem = _chain(
            pack(network.conv1, network.norm1, relu=True),
            pack(network.conv2, network.norm2, relu=True),
            *_blocks(network.layer1, pack),
        )
        self._stages = [
            (
                [_transition(path, pack) for path in getattr(network, f'transition{number - 1}')],
                [_Module(module, pack) for module in getattr(network, f'stage{number}')],
            )
            for number in (2, 3, 4)
        ]

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Images (B, 3, H, W) -> maps."""
        maps = [self._stem(images)]
        for transition, modules in self._stages:
            coarsest = len(maps) - 1
            maps = [path(maps[min(i, coarsest)]) for i, path in enumerate(transition)]
            for module in modules:
                maps = module(maps)
        return maps


class _Module:
    """Branches, then an exchange unit."""

    def __init__(self, module: HRModule, pack: Pack) -> None:
        self._branches = [_chain(*_blocks(branch, pack)) for branch in module.branches]
        self._targets = [
            _Target(paths, number, module.upsample, pack)
            for number, paths in enumerate(module.fuse_layers)
        ]

    def __call__(self, maps: Sequence[Tensor]) -> list[Tensor]:
        maps = [branch(x) for branch, x in zip(self._branches, maps)]
        return [target(maps) for target in self._targets]


class _Target:
    """The exchange unit's sum at one branch.

    From coarser branches the maps are summed on their way up, so that each resolution is enlarged
    once: up(a) + up(up(b)) = up(a + up(b)).
    """

    def __init__(self, paths: nn.ModuleList, number: int, upsample: Mapping, pack: Pack) -> None:
        self._number, self._upsample = number, dict(upsample)
        self._up = [pack(path[0], path[1], relu=False) for path in paths[number + 1 :]]
        self._down = [
            _downward(path, pack, relu=source == number - 1)
            for source, path in enumerate(paths[:number])
        ]

    def __call__(self, maps: Sequence[Tensor]) -> Tensor:
        total = maps[self._number]
        if self._up:
            total = self._add_coarser(maps)
        for x, (before, last) in zip(maps, self._down):
            total = last.plus(before(x), total)
        return total

    def _add_coarser(self, maps: Sequence[Tensor]) -> Tensor:
        own, *coarser = maps[self._number :]
        sizes = [x.shape[-2:] for x in (own, *coarser)]
        relu = not self._down  # otherwise the last convolution on the way down does it
        if self._upsample['mode'] == 'nearest' and all(map(_are_doubled, sizes, sizes[1:])):
            return self._add_by_doubling(own, coarser, relu=relu)
        total = own
        for step, (conv, x) in enumerate(zip(self._up, coarser), start=1):
            total = total + self._enlarged(conv(x), 2**step, sizes[0])
        return total.relu_() if relu else total

    def _add_by_doubling(self, own: Tensor, coarser: Sequence[Tensor], *, relu: bool) -> Tensor:
        total = None
        for conv, x in zip(reversed(self._up), reversed(coarser)):
            total = conv(x) if total is None else conv.plus(x, _doubled(total))
        return _plus_doubled(own, total, relu=relu)

    def _enlarged(self, x: Tensor, factor: int, size: Sequence[int]) -> Tensor:
        """As :class:`~hrnet_ext.models.exchange.HRModule` does it, rounded sides included."""
        for step in (tuple(factor * side for side in x.shape[-2:]), tuple(size)):
            if tuple(x.shape[-2:]) != step:
                x = F.interpolate(x, size=step, **self._upsample)
        return x


def _chain(*steps: Step) -> Step:
    def run(x: Tensor) -> Tensor:
        for step in steps:
            x = step(x)
        return x

    return run


def _blocks(blocks: Iterable[ResidualBlock], pack: Pack) -> list[Step]:
    return [_block(block, pack) for block in blocks]


def _block(block: ResidualBlock, pack: Pack) -> Step:
    """Convolutions and shortcut; the last convolution adds it and does the ReLU."""
    *first, last = [
        pack(getattr(block, f'conv{number}'), getattr(block, norm), relu=True)
        for number, norm in enumerate(block.norm_names, start=1)
    ]
    convs = _chain(*first)
    if isinstance(block.downsample, nn.Identity):
        return lambda x: last.plus(convs(x), x)
    shortcut = pack(block.downsample[0], block.downsample[1], relu=False)
    return lambda x: last.plus(convs(x), shortcut(x))


def _transition(path: nn.Module, pack: Pack) -> Step:
    if isinstance(path, nn.Identity):
        return path
    if isinstance(path[0], nn.Sequential):
        return _chain(*[pack(each[0], each[1], relu=True) for each in path])
    return pack(path[0], path[1], relu=True)


def _downward(path: nn.Sequential, pack: Pack, *, relu: bool) -> tuple[Step, Any]:
    """The halvings before the last one, and that."""
    *before, last = path
    return (
        _chain(*[pack(each[0], each[1], relu=True) for each in before]),
        pack(last[0], last[1], relu=relu),
    )


def _are_doubled(size: Sequence[int], half: Sequence[int]) -> bool:
    return all(2 * small == large for small, large in zip(half, size))


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode='nearest')


def _plus_doubled(x: Tensor, half: Tensor, *, relu: bool) -> Tensor:
    """``x`` (B, C, 2H, 2W) plus ``half`` (B, C, H, W) enlarged, which is never stored."""
    batch, channels, height, width = half.shape
    total = torch.add(
        x.permute(0, 2, 3, 1).view(batch, height, 2, width, 2, channels),
        half.permute(0, 2, 3, 1).view(batch, height, 1, width, 1, channels),
    )
    total = total.view(batch, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)
    return total.relu_() if relu else total

"""Train through ``torch.compile``; checkpoints are the same with and without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hrnet_ext.own_code import with_own_code

Maps = tuple[Tensor, ...]


class TrainingCompiler:
    """Runs a network compiled for batches of the first batch's shape; others run uncompiled.

    The smaller last batch of an epoch does not justify minutes of compilation, and code that is
    compiled for any shape is slower. The network keeps its class and names, so checkpoints do not
    change. Not tried on a GPU.

    Args:
        options: Of ``torch.compile``: ``mode``, ``backend``, ...
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = dict(options)
        self._run: Callable[[nn.Module, Tensor], Maps] | None = None
        self._shape: torch.Size | None = None

    def __call__(self, network: nn.Module, images: Tensor) -> Maps:
        """Images (B, C, H, W) -> the network's maps."""
        if self._run is None:
            self._run = self._compiled(_forward)
            self._shape = images.shape
        run = self._run if images.shape == self._shape else _forward
        return run(network, images)

    def check(self, device: torch.device) -> None:
        """Compile a small function.

        Raises:
            ValueError: If PyTorch cannot compile here, with the reason.
        """
        try:
            self._compiled(_square)(torch.ones(8, device=device))
        except Exception as error:  # compilers and backends raise errors of any type
            reason = str(error).strip().splitlines()
            raise ValueError(
                f'model.compile={self.options or True}: PyTorch cannot compile here '
                f'({type(error).__name__}: {reason[0] if reason else ""}); it needs a C++ compiler '
                'such as g++, and Triton on GPUs. Or leave out --compile'
            ) from error

    def _compiled(self, function: Callable) -> Callable:
        return torch.compile(with_own_code(function), **{'dynamic': False, **self.options})

    def __reduce__(self) -> tuple:
        return type(self), (self.options,)  # copies (averaged models) compile anew


def make_training_compiler(choice: bool | Mapping[str, Any]) -> TrainingCompiler | None:
    """The compiler for a config's True or options; None for False.

    Raises:
        ValueError: If ``choice`` is none of these.
    """
    if choice is False:
        return None
    if choice is not True and not isinstance(choice, Mapping):
        raise ValueError(
            "model.compile should be True, False or torch.compile's options, such as "
            f"dict(mode='reduce-overhead'), but is {choice!r}"
        )
    return TrainingCompiler({} if choice is True else choice)


def _forward(network: nn.Module, images: Tensor) -> Maps:
    return network(images)


def _square(x: Tensor) -> Tensor:
    return x.square()

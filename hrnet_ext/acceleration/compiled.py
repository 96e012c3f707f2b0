"""A network that PyTorch compiles for each batch shape.

Legend: images (B, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hrnet_ext.own_code import with_own_code

Run = Callable[[Tensor], Sequence[Tensor]]


class CompiledNetwork:
    """Calls a compiled network, with a separate function for every shape.

    One model has up to seven batch sizes, and PyTorch's compiler gives up after eight shapes of one
    function: see :mod:`hrnet_ext.own_code`.

    On CUDA the kernels of a batch are recorded once and started together (CUDA graphs); maps are
    then returned in the same memory every time.

    Args:
        network: In evaluation mode.
        **options: Options of ``torch.compile``.
    """

    def __init__(self, network: nn.Module, **options: Any) -> None:
        self._run, self._options = lambda images: network(images), options
        self._runs: dict[torch.Size, Run] = {}

    def __call__(self, images: Tensor) -> Sequence[Tensor]:
        """Images -> maps."""
        if images.shape not in self._runs:
            run = with_own_code(self._run)
            self._runs[images.shape] = torch.compile(run, dynamic=False, **self._options)
        if images.is_cuda:
            torch.compiler.cudagraph_mark_step_begin()
        return self._runs[images.shape](images)

    def __deepcopy__(self, memo: dict) -> CompiledNetwork:
        """It changes only by compiling, so copies share it."""
        return self

"""A network that switches from PyTorch to a faster engine after enough images.

Legend: images (B, C, H, W); maps are a tuple of tensors, batch first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hrnet_ext.acceleration.networks import OptimizedNetwork, Run, joined, largest_part
from hrnet_ext.acceleration.trial import fastest

TRIAL_AFTER = 64  # images, which take about as long in fp32 as the trial


class EngineNetwork(OptimizedNetwork):
    """Runs in PyTorch until ``TRIAL_AFTER`` successive images had the same size.

    Then the installed engines are tried on the current images, and the fastest one is kept. Images
    of other sizes still run in PyTorch. A single image therefore does not wait for a trial.

    Args:
        network: On the CPU, of ``dtype``, channels-last.
        dtype: float32 or bfloat16.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__(network, dtype)
        self._engine: Run | None = None
        self._is_settled = False
        self._size, self._num_met = torch.Size(), 0

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> maps, float32."""
        if not self._is_settled and len(images) and images.device.type == 'cpu':
            self._meet(images.float())
        if self._engine is None or not len(images) or images.shape[1:] != self._size:
            return super().forward(images)
        parts = images.float().split(largest_part(images))
        return joined([tuple(self._engine(part)) for part in parts])

    def _meet(self, images: Tensor) -> None:
        if images.shape[1:] != self._size:
            self._size, self._num_met = images.shape[1:], 0
        self._num_met += len(images)
        if self._num_met >= TRIAL_AFTER:
            self._is_settled = True
            self._engine = fastest(self.run, self.dtype, images[: largest_part(images)])

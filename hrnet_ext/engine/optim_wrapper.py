"""Optimizer wrappers that use fused kernels and never wait for the device."""

from __future__ import annotations

from typing import Any

from mmengine.optim import OptimWrapper as MMEngineOptimWrapper
from torch.optim import Optimizer

from hrnet_ext.engine.fused import choose_kernel, with_kernels_of
from hrnet_ext.engine.lazy_history import record
from hrnet_ext.registry import OPTIM_WRAPPERS


class QuickSteps:
    """A mixin with what our optimizer wrappers do differently from MMEngine's."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load an optimizer's state but keep this optimizer's kernels."""
        super().load_state_dict(with_kernels_of(self.optimizer, state_dict))

    def _clip_grad(self) -> None:
        """As MMEngine's, but the norm is logged without waiting for it."""
        groups = self.optimizer.param_groups
        weights = [w for group in groups for w in group['params'] if w.grad is not None]
        norm = self.clip_func(weights, **self.clip_grad_kwargs) if weights else None
        if norm is not None:
            record(self.message_hub, f'train/{self.grad_name}', norm)


@OPTIM_WRAPPERS.register_module()
class OptimWrapper(QuickSteps, MMEngineOptimWrapper):
    """MMEngine's wrapper, with fused kernels where torch has them.

    Args:
        optimizer: Changed in place to use its fused kernel.
        fused: Whether one kernel updates all weights, which changes their last bits; None does so
            if torch has one and the optimizer's own arguments (``fused``, ``foreach``) are not set.
        **options: As :class:`mmengine.optim.OptimWrapper`.

    Raises:
        ValueError: If ``fused`` is True but torch has no such kernel.
    """

    def __init__(self, optimizer: Optimizer, fused: bool | None = None, **options: Any) -> None:
        choose_kernel(optimizer, fused)
        super().__init__(optimizer=optimizer, **options)

"""Optimizer wrappers that use fused kernels and never wait for the device.

A general improvement of MMEngine's wrappers; could be offered upstream.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from mmengine.optim import OptimWrapper as MMEngineOptimWrapper
from torch.optim import Optimizer

from hrnet_ext.engine.lazy_history import record
from hrnet_ext.registry import OPTIM_WRAPPERS

FUSIBLE = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)
KERNELS = ('fused', 'foreach')  # as the optimizers' arguments name them
NEEDS_PLAIN = ('capturable', 'differentiable')


def choose_kernel(optimizer: Optimizer, fused: bool | None) -> None:
    """Let an optimizer use its fused kernel, if requested or by default.

    Args:
        optimizer: Changed in place, before its first step.
        fused: None uses a fused kernel if torch has one and the optimizer's own arguments do not
            choose a kernel.

    Raises:
        ValueError: If ``fused`` is True but torch has no such kernel.
    """
    possible = has_fused_kernel(optimizer)
    if fused and not possible:
        devices = {str(w.device) for group in optimizer.param_groups for w in group['params']}
        raise ValueError(
            f'optim_wrapper.fused=True: torch has no fused {type(optimizer).__name__} on '
            f'{", ".join(sorted(devices))}; leave it out'
        )
    if fused or (fused is None and possible and _is_undecided(optimizer)):
        for group in (optimizer.defaults, *optimizer.param_groups):
            group.update(fused=True, foreach=None)
        # fp16: the kernel unscales and finds infinities; GradScaler alone would synchronize
        optimizer._step_supports_amp_scaling = True


def has_fused_kernel(optimizer: Optimizer) -> bool:
    """Whether torch has a fused kernel for this optimizer and its weights' devices."""
    weights = [weight for group in optimizer.param_groups for weight in group['params']]
    return type(optimizer) in FUSIBLE and all(
        weight.is_floating_point() and _torch_fuses(type(optimizer), weight.device.type)
        for weight in weights
    )


def with_kernels_of(optimizer: Optimizer, state_dict: dict) -> dict:
    """The state dict, with the kernel settings of ``optimizer`` in place of the saved ones."""
    groups, ours = state_dict['param_groups'], optimizer.param_groups
    if len(groups) != len(ours):
        return state_dict  # torch reports the mismatch
    kernels = [{key: group.get(key) for key in KERNELS} for group in ours]
    groups = [{**group, **choice} for group, choice in zip(groups, kernels)]
    return {**state_dict, 'param_groups': groups}


def _is_undecided(optimizer: Optimizer) -> bool:
    groups = optimizer.param_groups
    decided = any(group.get(key) is not None for group in groups for key in KERNELS)
    return not decided and not any(group.get(key) for group in groups for key in NEEDS_PLAIN)


@lru_cache
def _torch_fuses(kind: type[Optimizer], device: str) -> bool:
    """Tried on one weight, because kernels per device depend on torch's version."""
    weight = torch.zeros(1, device=device, requires_grad=True)
    weight.grad = torch.zeros_like(weight)
    try:
        kind([weight], lr=0.1, fused=True).step()
    except (RuntimeError, TypeError):
        return False
    return True


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

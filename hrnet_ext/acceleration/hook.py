"""A hook for configs and ``mim test`` that tests an optimized model."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from hrnet_ext.acceleration.modes import check_mode
from hrnet_ext.acceleration.optimizing import optimize
from hrnet_ext.registry import HOOKS


@HOOKS.register_module()
class OptimizeHook(Hook):
    """Run the test loop with an optimized copy of the model; training and validation are untouched.

    Args:
        mode: See :func:`hrnet_ext.optimize`.

    Raises:
        ValueError: If there is no such mode.
    """

    priority = 'VERY_LOW'  # after hooks that exchange weights, such as EMAHook

    def __init__(self, mode: str = 'fp32') -> None:
        self.mode = check_mode(mode)
        self._plain: Any = None

    def before_test_epoch(self, runner: Runner) -> None:
        """Replace the model by an optimized copy."""
        self._plain = runner.model
        model = self._plain.module if is_model_wrapper(self._plain) else self._plain
        runner.model = optimize(copy.deepcopy(model), self.mode)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Restore the runner's model."""
        runner.model, self._plain = self._plain, None

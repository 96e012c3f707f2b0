"""Mixed precision in the number format that suits the device, on CPUs and GPUs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.optim import AmpOptimWrapper as MMEngineAmpOptimWrapper
from mmengine.optim import OptimWrapper as MMEngineOptimWrapper
from torch import nn
from torch.optim import Optimizer

from hrnet_ext.engine.optim_wrapper import QuickSteps, choose_kernel
from hrnet_ext.precision import FORMATS, Choice, choice_for, emulation_warning
from hrnet_ext.registry import OPTIM_WRAPPERS

AUTO = 'auto'
FORMAT_NAMES = {str(dtype).removeprefix('torch.'): name for name, dtype in FORMATS.items()}


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(QuickSteps, MMEngineAmpOptimWrapper):
    """MMEngine's wrapper in the format that suits the weights' device; works on CPUs as well.

    The loss is scaled only in fp16: bf16 has the exponent range of fp32, so gradients do not
    underflow. In fp32 it is an ordinary wrapper. A checkpoint written in one format can be resumed
    in another. It was never run on a GPU.

    Args:
        optimizer: As :class:`hrnet_ext.engine.OptimWrapper`.
        loss_scale: For fp16: 'dynamic', a number, or arguments of ``GradScaler``.
        dtype: ``'float16'``, ``'bfloat16'``, ``'float32'``, or ``'auto'``, which chooses the
            device's best format, see :mod:`hrnet_ext.precision`, and logs it. CPUs cannot train
            in float16 and use their best format instead. None is ``'auto'``.
        fused: As :class:`hrnet_ext.engine.OptimWrapper`.
        **options: As :class:`mmengine.optim.OptimWrapper`.

    Raises:
        ValueError: If ``dtype`` or ``loss_scale`` has another value, or ``fused`` is True but torch
            has no fused kernel.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        loss_scale: str | float | dict[str, Any] = 'dynamic',
        dtype: str | torch.dtype | None = AUTO,
        fused: bool | None = None,
        **options: Any,
    ) -> None:
        weights = (weight for group in optimizer.param_groups for weight in group['params'])
        self._device = next(weights).device.type
        chosen = _choose_format(dtype, self._device)
        choose_kernel(optimizer, fused)
        # MMEngine's own constructor rejects CPUs and always makes an active scaler.
        MMEngineOptimWrapper.__init__(self, optimizer, **options)
        self.cast_dtype = FORMATS[chosen]
        self.loss_scaler = _make_scaler(self._device, loss_scale, enabled=chosen == 'fp16')
        is_fixed = isinstance(loss_scale, (int, float))
        self._scale_update_param = float(loss_scale) if is_fixed else None

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast on the weights' device, unless it trains in fp32."""
        autocast = torch.autocast(
            self._device, self.cast_dtype, enabled=self.cast_dtype is not torch.float32
        )
        with MMEngineOptimWrapper.optim_context(self, model), autocast:
            yield

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load an optimizer's state; without a saved loss scale, the default is used."""
        if not state_dict.get('loss_scaler'):
            state_dict = {key: state_dict[key] for key in state_dict if key != 'loss_scaler'}
        super().load_state_dict(state_dict)


def _choose_format(dtype: str | torch.dtype | None, device: str) -> str:
    """The format's name. Logs an automatic choice, a replaced format or a slow one."""
    choice = choice_for(device)
    if dtype is None or dtype == AUTO:
        print_log(f'training in {choice.training}: {choice.reason}', 'current')
        return choice.training
    wanted = FORMAT_NAMES.get(str(dtype).removeprefix('torch.'))
    if wanted is None:
        raise ValueError(
            f'optim_wrapper.dtype should be auto, {", ".join(FORMAT_NAMES)}, but is {dtype}'
        )
    return _checked_format(wanted, choice, device)


def _checked_format(wanted: str, choice: Choice, device: str) -> str:
    warning = ''
    if wanted == 'fp16' and device == 'cpu':
        wanted = choice.training
        warning = f'float16 needs a GPU; training in {wanted}: {choice.reason}'
    elif wanted == 'bf16' and choice.emulates_bf16:
        warning = f"{emulation_warning(device, training=True)}, which dtype='auto' takes"
    if warning:
        print_log(warning, 'current', level=logging.WARNING)
    return wanted


def _make_scaler(
    device: str, loss_scale: str | float | dict[str, Any], *, enabled: bool
) -> torch.amp.GradScaler:
    if loss_scale == 'dynamic':
        options = {}
    elif isinstance(loss_scale, dict):
        options = loss_scale
    elif isinstance(loss_scale, (int, float)):
        options = {'init_scale': float(loss_scale)}
    else:
        raise ValueError(
            f"loss_scale should be 'dynamic', a number or a dict, but is {loss_scale!r}"
        )
    return torch.amp.GradScaler(device, **options, enabled=enabled)

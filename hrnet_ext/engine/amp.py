"""Mixed precision that also works on a CPU."""

from typing import Any

import torch
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.optim import AmpOptimWrapper as MMEngineAmpOptimWrapper
from mmengine.optim import OptimWrapper as MMEngineOptimWrapper
from torch.optim import Optimizer

from hrnet_ext.engine.fused import choose_kernel
from hrnet_ext.engine.optim_wrapper import QuickSteps
from hrnet_ext.registry import OPTIM_WRAPPERS

HALF_TYPES = {'float16': torch.float16, 'bfloat16': torch.bfloat16}


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(QuickSteps, MMEngineAmpOptimWrapper):
    """MMEngine's wrapper, with bf16 where there is no GPU and loss scaling only where it helps.

    bf16 has the exponents of fp32, so that gradients do not underflow and need no scaling; its
    checkpoints and those of fp16 resume each other. On a GPU it was never run.

    Args:
        optimizer: As :class:`hrnet_ext.engine.OptimWrapper`.
        loss_scale: For fp16: 'dynamic', a number, or arguments of ``GradScaler``.
        dtype: ``'float16'`` or ``'bfloat16'``; None is fp16 on a GPU and bf16 on a CPU.
        fused: As :class:`hrnet_ext.engine.OptimWrapper`.
        **options: As :class:`mmengine.optim.OptimWrapper`.

    Raises:
        ValueError: If ``dtype`` is another one, or ``fused`` is True without such a kernel.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        loss_scale: str | float | dict[str, Any] = 'dynamic',
        dtype: str | torch.dtype | None = None,
        fused: bool | None = None,
        **options: Any,
    ) -> None:
        half = _half_type(dtype, on_cpu=get_device() == 'cpu')
        choose_kernel(optimizer, fused)
        if half is torch.float16:
            super().__init__(optimizer=optimizer, loss_scale=loss_scale, dtype=half, **options)
            return
        # MMEngine's own constructor refuses a CPU and always makes an active scaler.
        MMEngineOptimWrapper.__init__(self, optimizer, **options)
        self.cast_dtype = half
        self.loss_scaler = torch.amp.GradScaler(get_device(), enabled=False)
        self._scale_update_param = None

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over an optimizer's state; the scale of a run without one starts anew."""
        if not state_dict.get('loss_scaler'):
            state_dict = {key: state_dict[key] for key in state_dict if key != 'loss_scaler'}
        super().load_state_dict(state_dict)


def _half_type(dtype: str | torch.dtype | None, *, on_cpu: bool) -> torch.dtype:
    half = HALF_TYPES.get(str(dtype).removeprefix('torch.'))
    if dtype is not None and half is None:
        raise ValueError(f'optim_wrapper.dtype should be float16 or bfloat16, but is {dtype}')
    if not on_cpu:
        return half or torch.float16
    if half is torch.float16:
        print_log('fp16 needs a GPU: bf16 is used on this CPU', 'current', level=30)
    return torch.bfloat16

"""The one option of the inference path: a precision, perhaps ``+compile``; or ``off``, ``auto``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmengine.logging import print_log

PRECISIONS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}
OFF, AUTO, COMPILE = 'off', 'auto', '+compile'
MODES = (OFF, AUTO, *PRECISIONS, *(precision + COMPILE for precision in PRECISIONS))


@dataclass(frozen=True)
class Mode:
    """What a mode's name says.

    Args:
        dtype: Precision of the network; None leaves the model as it is.
        is_compiled: Whether PyTorch compiles it.
    """

    dtype: torch.dtype | None
    is_compiled: bool = False


def check_mode(name: str | bool) -> str:
    """The mode that a user means.

    Args:
        name: One of ``MODES``; True is ``'fp32'``, False ``'off'``.

    Raises:
        ValueError: If it is none of them.
    """
    if isinstance(name, bool):
        return 'fp32' if name else OFF
    if name not in MODES:
        raise ValueError(f'optimize should be one of {", ".join(MODES)}, but is {name!r}')
    return name


def choose_mode(name: str | bool, device: torch.device) -> Mode:
    """The mode of that name on a device.

    Args:
        name: See :func:`check_mode`.
        device: Where the network runs.

    Raises:
        ValueError: If there is no such mode, or the device cannot run it.
    """
    name = check_mode(name)
    if name == AUTO:
        name = _best_precision(device)
    if name == OFF:
        return Mode(None)
    precision, plus, _ = name.partition('+')
    dtype = PRECISIONS[precision]
    if device.type == 'cpu' and dtype is torch.float16:
        raise ValueError(f'{name} needs a GPU; on a CPU take {name.replace("fp16", "bf16")}')
    if device.type == 'cpu' and dtype is torch.bfloat16 and not has_bf16():
        print_log(
            f'{name}: this CPU has no bf16 instructions; fp32 is likely to be faster',
            'current',
            level=30,
        )
    return Mode(dtype, bool(plus))


def has_bf16() -> bool:
    """Whether this CPU multiplies bf16 matrices in hardware (AVX512_BF16 or AMX)."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, 'get_capabilities') else {}
    return any(bool(capabilities.get(name)) for name in ('avx512_bf16', 'amx_bf16'))


def _best_precision(device: torch.device) -> str:
    if device.type == 'cpu':
        return 'bf16' if has_bf16() else 'fp32'
    return 'fp16'

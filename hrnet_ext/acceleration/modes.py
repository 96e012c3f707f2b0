"""The modes of ``optimize``: a precision, optionally ``+compile``; or ``off``, ``auto``."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from mmengine.logging import print_log

from hrnet_ext.precision import FORMATS, choice_for, emulation_warning, has_vnni

OFF, AUTO, COMPILE = 'off', 'auto', '+compile'
MODES = (OFF, AUTO, *FORMATS, *(precision + COMPILE for precision in FORMATS))
# AP of hrnet_synthetic, see README.md; time of HRNet-W32 with VNNI and without bf16, docs/speed.md
INT8 = (
    'auto uses fp32, because this CPU has no bf16 instructions. It has int8 instructions: an '
    'exported int8 file takes half the time, AP changes by 0.1 (75.5 to 75.6): tools/export.py '
    'CONFIG CHECKPOINT --with-normalize --flip-test --precision int8 --out pose.onnx'
)


@dataclass(frozen=True)
class Mode:
    """A parsed mode.

    Args:
        dtype: Precision of the network; None leaves the model as it is.
        is_compiled: Whether PyTorch compiles it.
    """

    dtype: torch.dtype | None
    is_compiled: bool = False


def check_mode(name: str | bool) -> str:
    """Check a mode and return its name.

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
        name = choice_for(device).inference
        if device.type == 'cpu' and name == 'fp32' and has_vnni():
            print_log(INT8, 'current')
    if name == OFF:
        return Mode(None)
    precision, plus, _ = name.partition('+')
    dtype = FORMATS[precision]
    if device.type == 'cpu' and dtype is torch.float16:
        best = choice_for(device).inference
        raise ValueError(f'{name} needs a GPU; on this CPU take {best}{plus and COMPILE}')
    warning = emulation_warning(device) if dtype is torch.bfloat16 else ''
    if warning:
        print_log(f'{name}: {warning}', 'current', level=logging.WARNING)
    return Mode(dtype, bool(plus))

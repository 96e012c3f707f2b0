"""OpenVINO as an engine; reads its own files and ONNX."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from hrnet_ext.cpu_limit import allows_bf16, instruction_limit
from hrnet_ext.export.engines import Settings
from hrnet_ext.export.engines.rewriting import rewrite
from hrnet_ext.export.metadata import KEY, precision_in

CPU = 'CPU'
PRECISION = 'INFERENCE_PRECISION_HINT'
NOT_TELLING = ('Exception from', 'Check ', 'FrontEnd API', 'Summary:')  # lines of its errors
# OpenVINO's name of a precision, and that of the device's ability, best first.
HALVES = (('bf16', 'BF16'), ('f16', 'FP16'))


class OpenVinoEngine:
    """A model in OpenVINO; ``settings.device`` is one of its devices, ``'CPU'``, ``'GPU.1'``.

    Half precision is bf16 where the device has it, else fp16; where it has neither, a warning says
    that it is fp32. OpenVINO itself would emulate bf16 or fail. fp32 is said explicitly: left
    alone, OpenVINO takes bf16 on processors that have it. With a fixed batch, convolutions in
    fp32 on the CPU are rewritten, see :mod:`~hrnet_ext.export.engines.rewriting`.

    Raises:
        ValueError: If the device is not there, the file is broken, or it has an operator that
            OpenVINO does not know.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        core = shared_core()
        device = settings.device or CPU
        if device.split('.')[0] not in {name.split('.')[0] for name in core.available_devices}:
            raise ValueError(
                f'OpenVINO has no {device} here, but {", ".join(core.available_devices)}'
            )
        if path.suffix == '.xml' and not path.with_suffix('.bin').is_file():
            raise ValueError(f'{path} needs {path.with_suffix(".bin").name} beside it')
        try:
            model = core.read_model(path)
            self.description = _description(model)
            written_in = precision_in(self.description)
            options = _options(core, device, settings, written_in)
            if settings.batch_size:
                _fix_batch(model, settings.batch_size)
                # Not in less than fp32, whose digits it needs; int8 is rounded already.
                if device == CPU and options[PRECISION] == 'f32' and written_in != 'int8':
                    rewrite(model)
            compiled = core.compile_model(model, device, options)
        except RuntimeError as error:
            raise ValueError(
                f'OpenVINO cannot load {path}: {_reason(error)} (cut short in copying? export it '
                'again)'
            ) from error
        self._outputs = [output.any_name for output in compiled.outputs]
        self._request = compiled.create_infer_request()

    def __call__(self, inputs: np.ndarray) -> Mapping[str, np.ndarray]:
        found = self._request.infer([inputs], share_inputs=True)
        return dict(zip(self._outputs, found.values()))


@lru_cache(maxsize=1)
def shared_core() -> openvino.Core:
    """The process's one OpenVINO, which stays.

    Each gives the thread that first compiles with it a stack for signal handlers, and when it goes
    puts back the one it found. Several that go in another order than the reverse of their coming
    leave a stack that is no more: the next handled signal, a child's end or Ctrl-C, kills the
    process (seen with OpenVINO 2026.4.1).
    """
    return openvino.Core()


def best_half(capabilities: Sequence[str], device: str = CPU) -> str | None:
    """OpenVINO's name of the half precision that a device computes in hardware; None without one.

    Args:
        capabilities: Its property ``OPTIMIZATION_CAPABILITIES``, which knows of no limit of oneDNN.
        device: Its name.
    """
    able = set(capabilities)
    if device == CPU and not allows_bf16():
        able.discard('BF16')
    return next((name for name, ability in HALVES if ability in able), None)


def _lacks_half(device: str) -> str:
    limit = '' if allows_bf16() else f' ({instruction_limit()})'
    return (
        f'OpenVINO computes in fp32: {device} has no half precision{limit}; precision="fp32" asks '
        'for that, and an int8 file is faster where the CPU has VNNI'
    )


def _description(model: openvino.Model) -> str:
    """Our JSON; of an ONNX file OpenVINO keeps it under ``framework``."""
    for where in ([KEY], ['framework', KEY]):
        if model.has_rt_info(where):
            return model.get_rt_info(where).astype(str)
    return ''


def _fix_batch(model: openvino.Model, size: int) -> None:
    shape = model.input().get_partial_shape()
    shape[0] = size
    model.reshape(shape)


def _options(
    core: openvino.Core, device: str, settings: Settings, written_in: str
) -> dict[str, Any]:
    options = {'PERFORMANCE_HINT': 'LATENCY', PRECISION: 'f32'}
    if (settings.precision or written_in) == 'half':
        half = best_half(core.get_property(device, 'OPTIMIZATION_CAPABILITIES'), device)
        if half is None:
            warnings.warn(_lacks_half(device), RuntimeWarning, stacklevel=5)  # who opens a session
        options[PRECISION] = half or 'f32'
    if settings.num_threads:
        options['INFERENCE_NUM_THREADS'] = settings.num_threads
    return options


def _reason(error: RuntimeError) -> str:
    """The lines that say what is wrong; others say where in OpenVINO's sources."""
    lines = [line.strip(' -') for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith(NOT_TELLING)]
    return ' '.join(telling) or str(error)

"""OpenVINO as an engine; reads its own files and ONNX."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hrnet_ext.cpu_limit import allows_bf16, instruction_limit
from hrnet_ext.export.engines import Settings
from hrnet_ext.runtimes.open_vino import (
    CPU,
    OpenVinoModel,
    best_half,
    capabilities_of,
    fix_batch,
    shared_core,
)

# Half precisions and OpenVINO's names; None: the one that the device has. Files say 'half'.
OPENVINO_NAMES = {'auto': None, 'half': None, 'bf16': 'bf16', 'fp16': 'f16'}
NOT_TELLING = (
    'Exception from',
    'Check ',
    'FrontEnd API',
    'Summary:',
)  # lines without the cause


class OpenVinoEngine:
    """A model in OpenVINO; ``settings.device`` is one of its devices, ``'CPU'``, ``'GPU.1'``.

    Half precision (``'auto'``) is bf16 if the device has it, else fp16. If the device lacks the
    requested precision, fp32 is used and a warning is given; OpenVINO itself would emulate bf16 or
    fail.

    Raises:
        ValueError: If the device is not available, the file is broken, or it has an operator that
            OpenVINO does not support.
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
            precision = _precision(device, settings)
            if settings.batch_size:
                fix_batch(model, settings.batch_size)
            self._model = OpenVinoModel(
                model, device=device, precision=precision, num_threads=settings.num_threads
            )
        except RuntimeError as error:
            raise ValueError(
                f'OpenVINO cannot load {path}: {_reason(error)} (cut short in copying? export it '
                'again)'
            ) from error

    def __call__(self, inputs: np.ndarray) -> Mapping[str, np.ndarray]:
        return self._model(inputs)


def _lacks_half(device: str, wanted: str) -> str:
    limit = '' if allows_bf16() else f' ({instruction_limit()})'
    lacking = wanted if wanted in ('bf16', 'fp16') else 'half precision'
    return (
        f'OpenVINO computes in fp32: {device} has no {lacking}{limit}. precision="fp32" avoids '
        'this warning. On CPUs with VNNI an int8 file is faster'
    )


def _precision(device: str, settings: Settings) -> str:
    wanted = settings.precision or settings.written_in
    if wanted not in OPENVINO_NAMES:
        return 'f32'
    half = best_half(capabilities_of(device), device)
    if half is None or OPENVINO_NAMES[wanted] not in (None, half):
        warnings.warn(_lacks_half(device, wanted), RuntimeWarning, stacklevel=5)  # the caller
        return 'f32'
    return half


def _reason(error: RuntimeError) -> str:
    """The lines with the cause; others give the position in OpenVINO's sources."""
    lines = [line.strip(' -') for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith(NOT_TELLING)]
    return ' '.join(telling) or str(error)

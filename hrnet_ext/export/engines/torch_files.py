"""PyTorch as an engine for its own two formats; other formats do not need PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch.export.passes import move_to_device_pass

from hrnet_ext.export.engines import Settings
from hrnet_ext.precision import emulation_warning

OUTPUTS = ('keypoints', 'scores', 'heatmaps')


class _TorchEngine:
    """A file of PyTorch; ``settings.device`` is one of PyTorch's.

    Raises:
        ValueError: If there is no such device, the file is broken, or a precision is requested.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        if settings.precision:
            raise ValueError(f'{path} runs in the precision it was written in')
        if settings.num_threads:
            torch.set_num_threads(settings.num_threads)
        self._device = _present(settings.device or 'cpu')
        try:
            self._run = self._load(path)
        except Exception as error:  # of the archive, of its reader in C++, or of unpickling
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f'PyTorch cannot load {path}: {reason} (cut short in copying? export it again)'
            ) from error
        slow = settings.written_in == 'half' and emulation_warning(self._device)
        if slow:
            cure = 'export it with --precision fp32'
            warnings.warn(f'{path} is in bf16; {slow}: {cure}', RuntimeWarning, stacklevel=4)

    def _load(self, path: Path) -> Callable:
        raise NotImplementedError

    @torch.inference_mode()
    def __call__(self, inputs: np.ndarray) -> Mapping[str, np.ndarray]:
        found = self._run(torch.from_numpy(inputs).to(self._device))
        return {name: tensor.cpu().numpy() for name, tensor in zip(OUTPUTS, found)}


class TorchScriptEngine(_TorchEngine):
    """A TorchScript file."""

    def _load(self, path: Path) -> Callable:
        return torch.jit.load(str(path), self._device).eval()


class TorchExportEngine(_TorchEngine):
    """A file of ``torch.export``."""

    def _load(self, path: Path) -> Callable:
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'The given buffer is not writable')  # unused
            program = torch.export.load(str(path))
        # not Module.to: the program also asserts which device its maps are on
        return move_to_device_pass(program, self._device).module()


def _present(name: str) -> torch.device:
    """The device of that name, with its number: programs tell ``cuda`` from ``cuda:0``."""
    try:
        return torch.empty(0, device=name).device
    except (AssertionError, RuntimeError) as error:
        raise ValueError(f'PyTorch has no device {name!r} here: {error}') from error

"""What computes an exported graph: ONNX Runtime, OpenVINO, or PyTorch; imported when asked for."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np


class Engine(Protocol):
    """A loaded file; several threads may call it."""

    def __call__(self, inputs: np.ndarray) -> Mapping[str, np.ndarray]:
        """The graph's outputs by name."""


@dataclass(frozen=True)
class Settings:
    """How to run a file.

    Args:
        device: The provider's name of a device; empty takes the CPU. Others were never run.
        precision: ``'fp32'`` or ``'half'``: the device's own half, bf16 on a CPU that has it.
            Empty goes by the file.
        num_threads: None leaves it to the provider.
        batch_size: How many inputs every call has; 0 leaves it open.
        written_in: The precision that the file was written in; empty of others' files.
    """

    device: str = ''
    precision: str = ''
    num_threads: int | None = None
    batch_size: int = 0
    written_in: str = ''


# Provider: the module it needs, ours, and its class. The first that is installed is the default.
PROVIDERS = {
    'openvino': ('openvino', 'open_vino', 'OpenVinoEngine'),
    'onnxruntime': ('onnxruntime', 'onnx_runtime', 'OnnxRuntimeEngine'),
    'torchscript': ('torch', 'torch_files', 'TorchScriptEngine'),
    'torch-export': ('torch', 'torch_files', 'TorchExportEngine'),
}
SUFFIXES = {
    '.onnx': ('openvino', 'onnxruntime'),
    '.xml': ('openvino',),
    '.torchscript': ('torchscript',),
    '.pt2': ('torch-export',),
}


def is_exported(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name is that of an exported model."""
    return Path(path).suffix in SUFFIXES


def checked_path(path: str | os.PathLike[str]) -> Path:
    """The path of an exported file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If its name is no exported model's.
    """
    if '://' in str(path):
        raise ValueError(f'{path}: an exported model is opened from a local file; download it')
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f'{path}: the name should end in {", ".join(SUFFIXES)}')
    if not path.is_file():
        raise FileNotFoundError(f'exported model not found: {path}')
    return path


def open_engine(path: str | os.PathLike[str], provider: str | None, settings: Settings) -> Engine:
    """Load an exported file.

    Args:
        path: The file.
        provider: What runs it, one of ``PROVIDERS``; None takes the first that is installed.
        settings: How.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If its name is no exported model's, the provider cannot read such files, or
            this one is broken.
        ImportError: If no provider for it is installed.
    """
    path = checked_path(path)
    _, module, name = PROVIDERS[_choose(path, provider)]
    return getattr(import_module(f'{__name__}.{module}'), name)(path, settings)


def _choose(path: Path, provider: str | None) -> str:
    able = SUFFIXES[path.suffix]
    if provider is not None and provider not in able:
        raise ValueError(f'{path} is run by {" or ".join(able)}, not by {provider!r}')
    wanted = able if provider is None else (provider,)
    for name in wanted:
        if importlib.util.find_spec(PROVIDERS[name][0]):
            return name
    packages = ' or '.join(dict.fromkeys(PROVIDERS[name][0] for name in wanted))
    raise ImportError(f'{path} needs {packages}, which is not installed: pip install {packages}')

"""Backends of exported files: ONNX Runtime, OpenVINO, PyTorch; each is imported when used."""

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
        device: The backend's name of a device; empty is the CPU. Other devices were never tested.
        precision: ``'fp32'``, ``'bf16'``, ``'fp16'``, or ``'auto'``: bf16 or fp16, whichever the
            device has. Empty uses the file's precision.
        num_threads: None uses the backend's default.
        batch_size: Fixed number of inputs per call; 0 allows any number.
        written_in: The file's precision; empty if hrnet_ext did not write it.
    """

    device: str = ''
    precision: str = ''
    num_threads: int | None = None
    batch_size: int = 0
    written_in: str = ''


# Backend: its package, our module, and its class. The first installed one is the default.
BACKENDS = {
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
        ValueError: If its name is not that of an exported model.
    """
    if '://' in str(path):
        raise ValueError(f'{path}: an exported model is opened from a local file; download it')
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f'{path}: the name should end in {", ".join(SUFFIXES)}')
    if not path.is_file():
        raise FileNotFoundError(f'exported model not found: {path}')
    return path


def open_engine(path: str | os.PathLike[str], backend: str | None, settings: Settings) -> Engine:
    """Load an exported file.

    Args:
        path: The file.
        backend: One of ``BACKENDS``; None uses the first that is installed.
        settings: How to run it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If its name is not that of an exported model, the backend cannot read such
            files, or the file is broken.
        ImportError: If no backend for it is installed.
    """
    path = checked_path(path)
    _, module, name = BACKENDS[_choose(path, backend)]
    return getattr(import_module(f'{__name__}.{module}'), name)(path, settings)


def _choose(path: Path, backend: str | None) -> str:
    able = SUFFIXES[path.suffix]
    if backend is not None and backend not in able:
        raise ValueError(f'{path} is run by {" or ".join(able)}, not by {backend!r}')
    wanted = able if backend is None else (backend,)
    for name in wanted:
        if importlib.util.find_spec(BACKENDS[name][0]):
            return name
    packages = ' or '.join(dict.fromkeys(BACKENDS[name][0] for name in wanted))
    raise ImportError(f'{path} needs {packages}, which is not installed: pip install {packages}')

"""ONNX Runtime as an engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hrnet_ext.export.engines import Settings
from hrnet_ext.runtimes.onnx_runtime import CPU, OnnxRuntimeModel


class OnnxRuntimeEngine:
    """An ONNX file in ONNX Runtime; ``settings.device`` is one of its execution providers.

    The precision is the file's: ONNX Runtime runs a graph as it is written.

    Raises:
        ValueError: If the device is not available or its libraries do not load, the file is broken,
            or it has an operator that ONNX Runtime does not support.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        if settings.precision not in ('', 'fp32'):
            raise ValueError(
                'ONNX Runtime runs a file in the precision it was written in: export it with '
                '--precision fp16, or use openvino'
            )
        try:
            self._model = OnnxRuntimeModel(
                str(path), provider=settings.device or CPU, num_threads=settings.num_threads
            )
        except ValueError:
            raise
        except Exception as error:  # its exceptions have no class in common
            raise ValueError(
                f'ONNX Runtime cannot load {path}: {error} (cut short in copying? export it again)'
            ) from error

    def __call__(self, inputs: np.ndarray) -> Mapping[str, np.ndarray]:
        return self._model(inputs)

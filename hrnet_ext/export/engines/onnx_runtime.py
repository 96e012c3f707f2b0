"""ONNX Runtime as an engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from hrnet_ext.export.engines import Settings
from hrnet_ext.export.metadata import KEY

CPU = 'CPUExecutionProvider'
ERRORS_ONLY = 3  # ONNX Runtime's log level


class OnnxRuntimeEngine:
    """An ONNX file in ONNX Runtime; ``settings.device`` is one of its execution providers.

    Precision is the file's: ONNX Runtime runs a graph as it is written.

    Raises:
        ValueError: If the device is not there, the file is broken, or it has an operator that
            ONNX Runtime does not know.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        device = settings.device or CPU
        if device not in onnxruntime.get_available_providers():
            raise ValueError(
                f'ONNX Runtime has no {device} here, but '
                f'{", ".join(onnxruntime.get_available_providers())}'
            )
        if settings.precision == 'half':
            raise ValueError(
                'ONNX Runtime runs a file in the precision it was written in: export with --half, '
                'or take openvino'
            )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        options.intra_op_num_threads = settings.num_threads or 0
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=[device])
        except Exception as error:  # its exceptions have no class in common
            raise ValueError(
                f'ONNX Runtime cannot load {path}: {error} (cut short in copying? export it again)'
            ) from error
        self.description = self._session.get_modelmeta().custom_metadata_map.get(KEY, '')
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, inputs: np.ndarray) -> Mapping[str, np.ndarray]:
        return dict(zip(self._outputs, self._session.run(None, {self._input: inputs})))

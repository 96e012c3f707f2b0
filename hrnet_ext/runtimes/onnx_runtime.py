"""A model in ONNX Runtime, on the requested device, without fallback to another."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import onnxruntime

CPU = 'CPUExecutionProvider'
ERRORS_ONLY = 3  # ONNX Runtime's log level
NEEDS_CUDA = ('CUDAExecutionProvider', 'TensorrtExecutionProvider')


def open_session(
    source: str | bytes, *, provider: str = CPU, num_threads: int | None = None
) -> onnxruntime.InferenceSession:
    """A session that runs with an execution provider.

    Args:
        source: Path of an ONNX file, or its bytes.
        provider: ONNX Runtime's execution provider.
        num_threads: None uses ONNX Runtime's default.

    Raises:
        ValueError: If ONNX Runtime was built without the provider, or cannot load its libraries.
            ONNX Runtime itself would run on the CPU and only log it.
    """
    there = onnxruntime.get_available_providers()
    if provider not in there:
        raise ValueError(f'ONNX Runtime has no {provider} here, but {", ".join(there)}')
    messages = _preload() if provider in NEEDS_CUDA else ''
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = num_threads or 0
    session = onnxruntime.InferenceSession(source, options, providers=[provider])
    taken = session.get_providers()[0]
    if taken != provider:
        raise ValueError(f'ONNX Runtime took {taken} for {provider}: {_cure(provider, messages)}')
    return session


def _preload() -> str:
    """Load CUDA's and cuDNN's libraries installed by pip; returns the messages about failures."""
    messages = io.StringIO()
    if hasattr(onnxruntime, 'preload_dlls'):  # since 1.21
        with contextlib.redirect_stdout(messages):
            onnxruntime.preload_dlls()
    return messages.getvalue().strip()


def _cure(provider: str, messages: str) -> str:
    if provider not in NEEDS_CUDA:
        return 'its libraries cannot be loaded; leave the device out to run on the CPU'
    reason = (
        messages.splitlines()[0] if messages else "the driver or CUDA's libraries cannot be loaded"
    )
    return (
        f"{reason}. pip install 'onnxruntime-gpu[cuda,cudnn]' brings those of its CUDA version; or "
        'leave the device out to run on the CPU'
    )


class OnnxRuntimeModel:
    """A loaded model; it runs in the precision it was written in.

    Args:
        source: Path of an ONNX file, or its bytes.
        provider: ONNX Runtime's execution provider.
        num_threads: None uses ONNX Runtime's default.

    Raises:
        ValueError: If the provider is not available.
    """

    def __init__(
        self, source: str | bytes, *, provider: str = CPU, num_threads: int | None = None
    ) -> None:
        self.session = open_session(source, provider=provider, num_threads=num_threads)
        self._input = self.session.get_inputs()[0].name
        self._outputs = [output.name for output in self.session.get_outputs()]

    def __call__(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """The model's outputs by name, in their order."""
        return dict(zip(self._outputs, self.session.run(None, {self._input: inputs})))

    def __deepcopy__(self, memo: dict) -> OnnxRuntimeModel:
        """It is immutable, so copies share it."""
        return self

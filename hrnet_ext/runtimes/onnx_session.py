"""Open a model in ONNX Runtime on the requested device, without fallback to another."""

from __future__ import annotations

import contextlib
import io

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

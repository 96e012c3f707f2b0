"""Opening a model in ONNX Runtime on the device that was asked for, and on no other."""

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
    """A session that runs by a provider.

    Args:
        source: Path of an ONNX file, or its bytes.
        provider: ONNX Runtime's name of what runs it.
        num_threads: None leaves it to ONNX Runtime.

    Raises:
        ValueError: If ONNX Runtime was built without the provider, or cannot load its libraries:
            left to itself it would run on the CPU and say so in its log only.
    """
    there = onnxruntime.get_available_providers()
    if provider not in there:
        raise ValueError(f'ONNX Runtime has no {provider} here, but {", ".join(there)}')
    said = _preload() if provider in NEEDS_CUDA else ''
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = num_threads or 0
    session = onnxruntime.InferenceSession(source, options, providers=[provider])
    taken = session.get_providers()[0]
    if taken != provider:
        raise ValueError(f'ONNX Runtime took {taken} for {provider}: {_cure(provider, said)}')
    return session


def _preload() -> str:
    """Load CUDA's and cuDNN's libraries from where pip puts them; what did not load, as it says."""
    said = io.StringIO()
    if hasattr(onnxruntime, 'preload_dlls'):  # since 1.21
        with contextlib.redirect_stdout(said):
            onnxruntime.preload_dlls()
    return said.getvalue().strip()


def _cure(provider: str, said: str) -> str:
    if provider not in NEEDS_CUDA:
        return 'its libraries cannot be loaded; leave the device out to run on the CPU'
    reason = said.splitlines()[0] if said else "the driver or CUDA's libraries cannot be loaded"
    return (
        f"{reason}. pip install 'onnxruntime-gpu[cuda,cudnn]' brings those of its CUDA version; or "
        'leave the device out to run on the CPU'
    )

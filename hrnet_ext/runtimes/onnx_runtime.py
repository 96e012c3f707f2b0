"""A model in ONNX Runtime."""

from __future__ import annotations

import numpy as np

from hrnet_ext.runtimes.onnx_session import CPU, open_session


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

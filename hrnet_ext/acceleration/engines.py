"""Backends that can run a network in place of PyTorch on a CPU, in memory.

Legend: images (B, C, H, W) float32; maps are a sequence of tensors, batch first, float32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor

from hrnet_ext.acceleration.networks import Run


class EngineRun:
    """A model of another backend as a function of tensors; copies share it.

    Args:
        model: Takes batches of any size.
        fixed: Models for a fixed batch size, by that size.
    """

    def __init__(self, model: Callable, fixed: dict[int, Callable] | None = None) -> None:
        self._model, self._fixed = model, fixed or {}

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Images -> maps."""
        model = self._fixed.get(len(images), self._model)
        found = model(images.detach().contiguous().numpy())
        return [torch.from_numpy(each) for each in found.values()]


def installed(dtype: torch.dtype) -> dict[str, Callable[[bytes, torch.dtype, int], Run]]:
    """The installed backends for a precision: functions that load ONNX in them, best first.

    Empty without the package ``onnx``, which PyTorch needs to write ONNX.
    """
    if find_spec('onnx') is None:
        return {}
    known = {'openvino': ('OpenVINO', _in_openvino)}
    if dtype is torch.float32:
        known['onnxruntime'] = ('ONNX Runtime', _in_onnxruntime)
    return dict(value for package, value in known.items() if find_spec(package))


def _in_openvino(source: bytes, dtype: torch.dtype, batch: int) -> Run:
    from hrnet_ext.runtimes import open_vino

    precision = 'bf16' if dtype is torch.bfloat16 else 'f32'
    if precision not in ('f32', open_vino.best_half(open_vino.capabilities_of())):
        raise ValueError(f'this CPU has no {precision}')
    model = open_vino.shared_core().read_model(source)
    compiled = partial(
        open_vino.OpenVinoModel, precision=precision, num_threads=torch.get_num_threads()
    )
    of_any_batch = compiled(model)
    open_vino.fix_batch(model, batch)  # saves a tenth of the time in bf16, 1 to 4 % in fp32
    return EngineRun(of_any_batch, {batch: compiled(model)})


def _in_onnxruntime(source: bytes, dtype: torch.dtype, batch: int) -> Run:
    from hrnet_ext.runtimes.onnx_runtime import OnnxRuntimeModel

    return EngineRun(OnnxRuntimeModel(source, num_threads=torch.get_num_threads()))

"""Engines that run a network in place of PyTorch, and the backbones that use them.

Legend: images (B, C, H, W) float32; maps are a sequence of tensors, batch first, float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrnet_ext.own_code import with_own_code

Run = Callable[[Tensor], Sequence[Tensor]]
# Images per pass on a CPU: eight of 256x192 in float32. Activations of more do not fit the cache,
# and the allocator requests memory from the system again for every layer.
CACHED_BYTES = 8 * 3 * 256 * 192 * 4
LARGEST_BUCKET = 64


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


def largest_part(images: Tensor) -> int:
    """Number of images that a CPU should compute at once."""
    return max(1, CACHED_BYTES // images[0].nbytes)


def joined(parts: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """The maps of a batch from those of its parts."""
    return parts[0] if len(parts) == 1 else tuple(map(torch.cat, zip(*parts)))


class OptimizedNetwork(nn.Module):
    """A network prepared for inference, in the precision and memory layout it was prepared for.

    Args:
        run: Channels-last images of ``dtype`` to maps.
        dtype: The precision.
    """

    def __init__(self, run: Run, dtype: torch.dtype) -> None:
        super().__init__()
        self.run, self.dtype = run, dtype

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> maps, float32."""
        images = images.to(self.dtype, memory_format=torch.channels_last)
        parts = [self._maps(part) for part in self._parts(images)]
        return joined(parts)

    def _maps(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(x.float() for x in self.run(images))

    def _parts(self, images: Tensor) -> Sequence[Tensor]:
        """As many images at once as a CPU's cache takes; everything on other devices."""
        if images.device.type != 'cpu' or not len(images):
            return [images]
        return images.tensor_split(-(-len(images) // largest_part(images)))  # of nearly equal size


class BucketedNetwork(OptimizedNetwork):
    """A network compiled per batch size; batches are padded to powers of two.

    Args:
        run: See :class:`OptimizedNetwork`; may return the same memory every time.
        dtype: The precision.
    """

    def _parts(self, images: Tensor) -> Iterator[Tensor]:
        yield from images.split(LARGEST_BUCKET)

    def _maps(self, images: Tensor) -> tuple[Tensor, ...]:
        num = len(images)
        bucket = 1 << (num - 1).bit_length()
        padded = F.pad(images, (0, 0, 0, 0, 0, 0, 0, bucket - num))
        padded = padded.contiguous(memory_format=torch.channels_last)
        return tuple(x[:num].to(torch.float32, copy=True) for x in self.run(padded))


class CompiledNetwork:
    """Calls a compiled network, with a separate function for every shape.

    One model has up to seven batch sizes, and PyTorch's compiler gives up after eight shapes of one
    function: see :mod:`hrnet_ext.own_code`.

    On CUDA the kernels of a batch are recorded once and started together (CUDA graphs); maps are
    then returned in the same memory every time.

    Args:
        network: In evaluation mode.
        **options: Options of ``torch.compile``.
    """

    def __init__(self, network: nn.Module, **options: Any) -> None:
        self._run, self._options = lambda images: network(images), options
        self._runs: dict[torch.Size, Run] = {}

    def __call__(self, images: Tensor) -> Sequence[Tensor]:
        """Images -> maps."""
        if images.shape not in self._runs:
            run = with_own_code(self._run)
            self._runs[images.shape] = torch.compile(run, dynamic=False, **self._options)
        if images.is_cuda:
            torch.compiler.cudagraph_mark_step_begin()
        return self._runs[images.shape](images)

    def __deepcopy__(self, memo: dict) -> CompiledNetwork:
        """It changes only by compiling, so copies share it."""
        return self

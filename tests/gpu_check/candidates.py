"""What may become the inference path on CUDA, timed by the check before it is one: never run yet.

HRNet as a packed network, of cuDNN's convolutions that add a map and end in a ReLU,
its kernels recorded once for each shape of batch and started together (CUDA graphs). It needs no
compiler and no minutes of warm-up.

Legend: images (B, 3, H, W); maps (B, C, H, W), channels-last in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrnet_ext.models import HRNet
from tests.gpu_check.folding import folded
from tests.gpu_check.packed_hrnet import PackedHRNet

Run = Callable[[Tensor], Sequence[Tensor]]
WARM_UP_CALLS = 3  # cuDNN chooses its kernels


def recorded_cudnn(network: HRNet, dtype: torch.dtype) -> Run:
    """The network in evaluation mode on cuDNN's fused operators, recorded per shape of batch."""
    return _Recorded(PackedHRNet(network, partial(_CudnnConv, dtype=dtype)))


class _CudnnConv:
    """Convolution and norm, perhaps plus a map, perhaps followed by a ReLU, as one call."""

    def __init__(self, conv: nn.Conv2d, norm: nn.Module, *, dtype: torch.dtype, relu: bool) -> None:
        weight, bias = folded(conv, norm)
        self._weight = weight.to(dtype, memory_format=torch.channels_last)
        self._bias = bias.to(dtype)
        self._place = (conv.stride, conv.padding, conv.dilation, conv.groups)
        self._relu = relu

    def __call__(self, x: Tensor) -> Tensor:
        if self._relu:
            return torch.cudnn_convolution_relu(x, self._weight, self._bias, *self._place)
        return F.conv2d(x, self._weight, self._bias, *self._place)

    def plus(self, x: Tensor, other: Tensor) -> Tensor:
        if not self._relu:
            return F.conv2d(x, self._weight, self._bias, *self._place).add_(other)
        return torch.cudnn_convolution_add_relu(
            x, self._weight, other, 1.0, self._bias, *self._place
        )


class _Recorded:
    """Records a network for each shape of batch that it meets; maps stay in the same memory."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._recordings: dict[torch.Size, tuple] = {}

    def __call__(self, images: Tensor) -> Sequence[Tensor]:
        if images.shape not in self._recordings:
            self._recordings[images.shape] = self._record(images.clone())
        graph, given, maps = self._recordings[images.shape]
        given.copy_(images)
        graph.replay()
        return maps

    def _record(self, images: Tensor) -> tuple:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_CALLS):
                self._run(images)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            maps = self._run(images)
        return graph, images, maps

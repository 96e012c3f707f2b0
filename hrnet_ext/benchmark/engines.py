"""Networks as callables for the forward pass: in PyTorch by mode, in ONNX Runtime, in OpenVINO.

Legend: B images; images (B, 3, H, W) normalized; heatmaps (B, K, H / 4, W / 4).
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable

import torch
from torch import Tensor, nn

from hrnet_ext.benchmark.contest import Call

HEATMAPS = 'heatmaps'  # the graph's output


def in_torch(model: nn.Module, images: Tensor) -> Call:
    """As a test loop runs it, less what comes before and after the network."""

    def call() -> Tensor:
        with torch.no_grad():
            return model(images, None, mode='tensor')

    return call


def in_mode(build: Callable[[], nn.Module], mode: str, images: Tensor) -> Call:
    """Ours after ``hrnet_ext.optimize``, which has found the fastest engine."""
    from hrnet_ext.inference import optimize

    call = in_torch(optimize(build(), mode), images)
    return call if images.is_cuda else settled(call, len(images))


def settled(call: Call, num_images: int) -> Call:
    """A call of an optimized model that has met enough images to have tried the engines.

    Args:
        call: Runs it.
        num_images: That the call gives it.
    """
    from hrnet_ext.inference.engine_network import TRIAL_AFTER

    for _ in range(-(-TRIAL_AFTER // num_images)):
        call()
    return call


class Graph(nn.Module):
    """A pose estimator's network alone, for exporting: images -> heatmaps.

    Args:
        model: The estimator.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = model.backbone, model.head

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, K, H / 4, W / 4)."""
        return self.head(self.backbone(images))


def exported(model: nn.Module, images: Tensor) -> bytes:
    """The network as ONNX, for images of that height and width."""
    from hrnet_ext.runtimes.to_onnx import to_onnx

    file = io.BytesIO()
    graph = Graph(copy.deepcopy(model)).cpu().eval()
    to_onnx(graph, images.cpu(), file, takes='images', gives=[HEATMAPS])
    return file.getvalue()


def in_onnxruntime(network: bytes, images: Tensor, threads: int) -> Call:
    """ONNX Runtime on the CPU or, where it has it, on CUDA (never run), copies included."""
    from hrnet_ext.runtimes.onnx_runtime import OnnxRuntimeModel  # here: it may be absent

    wanted = 'CUDAExecutionProvider' if images.is_cuda else 'CPUExecutionProvider'
    model = OnnxRuntimeModel(network, provider=wanted, num_threads=threads)
    array = images.cpu().numpy()
    return lambda: model(array)[HEATMAPS]


def in_openvino(network: bytes, images: Tensor, threads: int, precision: str) -> Call:
    """OpenVINO on the CPU, made for that number of images.

    Args:
        network: ONNX.
        images: What it is given.
        threads: Of one inference.
        precision: ``'f32'`` or ``'bf16'``: what it may compute in.
    """
    from hrnet_ext.runtimes import open_vino

    if images.is_cuda:
        raise RuntimeError('openvino has no CUDA')
    if precision not in ('f32', open_vino.best_half(open_vino.capabilities_of())):
        raise RuntimeError(f'this CPU has no {precision}')
    model = open_vino.shared_core().read_model(network)
    open_vino.fix_batch(model, len(images))
    compiled = open_vino.OpenVinoModel(model, precision=precision, num_threads=threads)
    array = images.cpu().numpy()
    return lambda: compiled(array)[HEATMAPS]

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

OPSET = 18


def in_torch(model: nn.Module, images: Tensor) -> Call:
    """As a test loop runs it, less what comes before and after the network."""

    def call() -> Tensor:
        with torch.no_grad():
            return model(images, None, mode='tensor')

    return call


def in_mode(build: Callable[[], nn.Module], mode: str, images: Tensor) -> Call:
    """Ours after ``hrnet_ext.optimize``."""
    from hrnet_ext.inference import optimize

    return in_torch(optimize(build(), mode), images)


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
    """The network as ONNX, for images of that shape."""
    file = io.BytesIO()
    graph = Graph(copy.deepcopy(model)).cpu().eval()
    with torch.no_grad():
        torch.onnx.export(graph, (images.cpu(),), file, opset_version=OPSET, dynamo=False)
    return file.getvalue()


def in_onnxruntime(network: bytes, images: Tensor, threads: int) -> Call:
    """ONNX Runtime on the CPU or, where it has it, on CUDA (never run), copies included."""
    from hrnet_ext.runtimes.onnx_session import open_session  # here: onnxruntime may be absent

    wanted = 'CUDAExecutionProvider' if images.is_cuda else 'CPUExecutionProvider'
    session = open_session(network, provider=wanted, num_threads=threads)
    name, array = session.get_inputs()[0].name, images.cpu().numpy()
    return lambda: session.run(None, {name: array})[0]


def in_openvino(network: bytes, images: Tensor, threads: int, precision: str) -> Call:
    """OpenVINO on the CPU.

    Args:
        network: ONNX.
        images: What it is given.
        threads: Of one inference.
        precision: ``'f32'`` or ``'bf16'``: what it may compute in.
    """
    # here: openvino may be absent
    from hrnet_ext.export.engines.open_vino import best_half, shared_core

    if images.is_cuda:
        raise RuntimeError('openvino has no CUDA')
    core = shared_core()
    if precision not in ('f32', best_half(core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES'))):
        raise RuntimeError(f'this CPU has no {precision}')
    config = {
        'INFERENCE_PRECISION_HINT': precision,
        'INFERENCE_NUM_THREADS': threads,
        'PERFORMANCE_HINT': 'LATENCY',
    }
    compiled = core.compile_model(core.read_model(network), 'CPU', config)
    array = images.cpu().numpy()
    output = compiled.output(0)
    return lambda: compiled(array)[output].copy()

"""ONNX: read by ONNX Runtime, OpenVINO, TensorRT and others."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from hrnet_ext.export.metadata import KEY, Metadata
from hrnet_ext.runtimes.to_onnx import OPSET, to_onnx

LARGE = 256  # numbers; smaller weights, biases among them, stay in fp32
OUTPUTS = ['keypoints', 'scores', 'heatmaps']


def write(graph: nn.Module, example: Tensor, path: Path, metadata: Metadata) -> None:
    """Write a graph with any batch size; with half precision its weights are stored in fp16.

    Args:
        graph: :class:`~hrnet_ext.export.graph.PoseGraph`.
        example: An example input.
        path: The file.
        metadata: The file's metadata.

    Raises:
        ValueError: If ONNX does not support an operator of the graph; names it.
    """
    names = OUTPUTS[: 3 if graph.with_heatmaps else 2]
    try:
        to_onnx(graph, example, path, takes='crops', gives=names)
    except torch.onnx.errors.OnnxExporterError as error:
        raise ValueError(_explain(error)) from error
    model = onnx.load(path)
    if metadata.precision == 'half':
        _store_in_half(model.graph)
    onnx.helper.set_model_props(model, {KEY: metadata.to_json()})
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _store_in_half(graph: onnx.GraphProto) -> None:
    """Replace large weights by fp16 and a cast, which backends compute once at loading.

    The backend decides whether to compute in half precision: on CPUs ONNX Runtime's fp16
    convolutions are a hundred times slower than its fp32 ones.
    """
    casts = []
    for index, weight in enumerate(graph.initializer):
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        stored = f'{weight.name}_half'
        casts.append(
            onnx.helper.make_node('Cast', [stored], [weight.name], to=onnx.TensorProto.FLOAT)
        )
        half = onnx.numpy_helper.from_array(values.astype(np.float16), stored)
        graph.initializer[index].CopyFrom(half)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _explain(error: Exception) -> str:
    operator = re.search(r"operator '?(\S+?)'? ", str(error))
    what = f'the operator {operator[1]}' if operator else 'an operator'
    return (
        f'ONNX (opset {OPSET}) does not know {what} of this model; --format torchscript and '
        'torch-export keep every operator of PyTorch'
    )

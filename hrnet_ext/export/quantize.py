"""int8: weights and activations in 8 bits, by ONNX Runtime's static quantization.

The result is a graph of quantize and dequantize nodes that ONNX Runtime and OpenVINO both run in
int8. Head, flip test and decoding stay in fp32, because heatmaps in 8 bits would lose sub-pixel
accuracy.

Legend: N crops (N, H, W, 3) uint8 BGR; images (N, 3, H, W) float32, normalized.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime import quantization

from hrnet_ext.export.metadata import KEY, Metadata

BATCH_SIZE = 8
QUANTIZED = ('Conv', 'Add')
NETWORK = '/backbone/'  # in the names of its nodes


class _Batches(quantization.CalibrationDataReader):
    """Passes the graph's inputs to the calibrator in batches."""

    def __init__(self, inputs: np.ndarray) -> None:
        self._batches: Iterator[np.ndarray] = iter(
            np.array_split(inputs, -(-len(inputs) // BATCH_SIZE))
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {'crops': batch}


def quantize(source: Path, path: Path, inputs: np.ndarray, metadata: Metadata) -> None:
    """Write an fp32 graph in int8.

    Args:
        source: The fp32 file.
        path: The int8 file.
        inputs: Typical inputs of the graph; their activations set the ranges.
        metadata: The file's metadata.
    """
    model = onnx.load(source)
    kept = [node.name for node in model.graph.node if NETWORK not in node.name]
    quantization.quantize_static(
        source,
        path,
        _Batches(inputs),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=list(QUANTIZED),
        nodes_to_exclude=kept,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=quantization.CalibrationMethod.MinMax,
    )
    quantized = onnx.load(path)
    onnx.helper.set_model_props(quantized, {KEY: metadata.to_json()})
    onnx.save(quantized, path)

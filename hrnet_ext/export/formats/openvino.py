"""OpenVINO's own files, .xml and .bin: converted from ONNX."""

from __future__ import annotations

import tempfile
from pathlib import Path

import openvino
from torch import Tensor, nn

from hrnet_ext.export.formats import onnx
from hrnet_ext.export.metadata import KEY, Metadata
from hrnet_ext.runtimes.open_vino import shared_core


def write(graph: nn.Module, example: Tensor, path: Path, metadata: Metadata) -> None:
    """Write a graph, its batch of any size; with half precision its weights are stored in fp16.

    Args:
        graph: :class:`~hrnet_ext.export.graph.PoseGraph`.
        example: What it takes.
        path: The .xml file; the .bin comes beside it.
        metadata: What the file says of itself.

    Raises:
        ValueError: If the graph has an operator that ONNX or OpenVINO does not know.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / 'graph.onnx'
        onnx.write(graph, example, source, metadata)
        convert(source, path, metadata)


def convert(source: Path, path: Path, metadata: Metadata) -> None:
    """Make OpenVINO's files of an ONNX file.

    Args:
        source: The ONNX file.
        path: The .xml file.
        metadata: What it says of itself.

    Raises:
        ValueError: If it has an operator that OpenVINO does not know.
    """
    try:
        # Not convert_model: that reports its use over the network, and waits for it.
        model = shared_core().read_model(source)
    except RuntimeError as error:
        raise ValueError(f'OpenVINO cannot convert this model: {error}') from error
    model.set_rt_info(metadata.to_json(), [KEY])
    openvino.save_model(model, path, compress_to_fp16=metadata.precision == 'half')

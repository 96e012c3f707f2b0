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
    """Write a graph with any batch size; with half precision its weights are stored in fp16.

    Args:
        graph: :class:`~hrnet_ext.export.graph.PoseGraph`.
        example: An example input.
        path: The .xml file; the .bin file is written next to it.
        metadata: The file's metadata.

    Raises:
        ValueError: If ONNX or OpenVINO does not support an operator of the graph.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / 'graph.onnx'
        onnx.write(graph, example, source, metadata)
        convert(source, path, metadata)


def convert(source: Path, path: Path, metadata: Metadata) -> None:
    """Convert an ONNX file to OpenVINO's files.

    Args:
        source: The ONNX file.
        path: The .xml file.
        metadata: The file's metadata.

    Raises:
        ValueError: If OpenVINO does not support an operator.
    """
    try:
        # Not convert_model, which sends usage statistics over the network and waits for that.
        model = shared_core().read_model(source)
    except RuntimeError as error:
        raise ValueError(f'OpenVINO cannot convert this model: {error}') from error
    model.set_rt_info(metadata.to_json(), [KEY])
    openvino.save_model(model, path, compress_to_fp16=metadata.precision == 'half')

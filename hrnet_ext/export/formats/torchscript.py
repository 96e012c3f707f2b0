"""TorchScript: read by PyTorch from Python and C++."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from hrnet_ext.export.metadata import KEY, Metadata


def write(graph: nn.Module, example: Tensor, path: Path, metadata: Metadata) -> None:
    """Write a graph with any batch size.

    Args:
        graph: :class:`~hrnet_ext.export.graph.PoseGraph`.
        example: An example input.
        path: The file.
        metadata: The file's metadata.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # about constant sizes and deprecation
        traced = torch.jit.trace(graph, (example,), check_trace=False)
        torch.jit.save(traced, str(path), _extra_files={KEY: metadata.to_json()})

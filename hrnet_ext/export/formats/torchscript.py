"""TorchScript: read by PyTorch from Python and C++."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from hrnet_ext.export.metadata import KEY, Metadata


def write(graph: nn.Module, example: Tensor, path: Path, metadata: Metadata) -> None:
    """Write a graph, its batch of any size.

    Args:
        graph: :class:`~hrnet_ext.export.graph.PoseGraph`.
        example: What it takes.
        path: The file.
        metadata: What the file says of itself.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of sizes that it takes for constant, and of its age
        traced = torch.jit.trace(graph, (example,), check_trace=False)
        torch.jit.save(traced, str(path), _extra_files={KEY: metadata.to_json()})

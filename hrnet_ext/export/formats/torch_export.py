"""torch.export's files: read by PyTorch, compiled ahead of time by its tools."""

from __future__ import annotations

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
    batch = torch.export.Dim('batch', min=1)
    program = torch.export.export(graph, (example,), dynamic_shapes=({0: batch},))
    torch.export.save(program, path, extra_files={KEY: metadata.to_json()})

"""A network of PyTorch as ONNX, which both runtimes read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import BinaryIO

import torch
from torch import Tensor, nn

from hrnet_ext.interrupts import interrupts_deferred

OPSET = 17


@torch.no_grad()
def to_onnx(
    network: nn.Module,
    example: Tensor,
    target: str | os.PathLike[str] | BinaryIO,
    *,
    takes: str,
    gives: Sequence[str],
) -> None:
    """Write a network as ONNX, its batch of any size.

    Args:
        network: In evaluation mode; takes one tensor, gives one or several.
        example: What it takes.
        target: The file, or where its bytes go.
        takes: Name of its input.
        gives: Names of all its outputs.

    Raises:
        torch.onnx.errors.OnnxExporterError: If it has an operator that ONNX does not know.
    """
    with warnings.catch_warnings(), interrupts_deferred():
        # It warns of sizes that it takes for constant, which they are, and of its age: the newer
        # exporter takes four times as long, needs two more packages, and writes no better graph.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            network,
            (example,),
            target if hasattr(target, 'write') else os.fspath(target),
            input_names=[takes],
            output_names=list(gives),
            dynamic_axes={name: {0: 'batch'} for name in (takes, *gives)},
            opset_version=OPSET,
            dynamo=False,
        )

"""Convert a PyTorch network to ONNX, which both backends read."""

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
    """Write a network as ONNX with any batch size.

    Args:
        network: In evaluation mode; takes one tensor, returns one or several.
        example: An example input.
        target: The file, or a binary stream.
        takes: Name of its input.
        gives: Names of all its outputs.

    Raises:
        torch.onnx.errors.OnnxExporterError: If ONNX does not support one of its operators.
    """
    with warnings.catch_warnings(), interrupts_deferred():
        # It warns of constant sizes, which is correct here, and of its deprecation. The newer
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

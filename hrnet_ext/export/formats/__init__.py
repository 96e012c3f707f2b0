"""Writers of exported files, one module per format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import torch


@dataclass(frozen=True)
class Format:
    """A kind of exported file.

    Args:
        name: Its name on the command line.
        suffix: Suffix of its files.
        half: The network's number format in half precision: bf16, or fp32 if the weights are stored
            in fp16 and the backend chooses the number format.
        companions: Suffixes of additional files next to the file.
        takes_int8: Whether it supports int8.
        needs: Packages that write and check it.
        checked_by: The backend that checks a new file.
    """

    name: str
    suffix: str
    half: torch.dtype
    companions: tuple[str, ...] = ()
    takes_int8: bool = False
    needs: tuple[str, ...] = ()
    checked_by: str | None = None

    @property
    def precisions(self) -> tuple[str, ...]:
        """What it can be written in: fp32, its half precision, and perhaps int8."""
        half = 'bf16' if self.half is torch.bfloat16 else 'fp16'
        return ('fp32', half, 'int8') if self.takes_int8 else ('fp32', half)

    @property
    def write(self) -> Callable:
        """``write(graph, example, path, metadata)``; its packages are imported here."""
        return import_module(f'{__name__}.{self.name.replace("-", "_")}').write


FORMATS = {
    each.name: each
    for each in (
        Format(
            'onnx',
            '.onnx',
            torch.float32,
            takes_int8=True,
            needs=('onnx', 'onnxruntime'),
            checked_by='onnxruntime',
        ),
        Format(
            'openvino',
            '.xml',
            torch.float32,
            ('.bin',),
            takes_int8=True,
            needs=('onnx', 'openvino'),
        ),
        Format('torchscript', '.torchscript', torch.bfloat16),
        Format('torch-export', '.pt2', torch.bfloat16),
    )
}

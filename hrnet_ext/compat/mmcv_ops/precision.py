"""The number format to compute in."""

from __future__ import annotations

import torch
from torch import Tensor


def computable(tensor: Tensor) -> Tensor:
    """The tensor itself, or a float32 copy of a half-precision one.

    torchvision's CPU kernels know no bfloat16 and not all of them float16; results are written
    back in the caller's format.
    """
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor

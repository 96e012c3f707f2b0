"""A convolution with its norm, a sum and a ReLU as one call of oneDNN, weights laid out once.

The operators are those that PyTorch's compiler emits for CPUs; called directly they need no
compiler and no warm-up.

Legend: maps (B, C, H, W), channels-last in memory.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hrnet_ext.inference.folding import folded


class PackedConv:
    """Convolution and norm, perhaps plus a map, perhaps followed by a ReLU.

    Args:
        conv: The convolution.
        norm: Its batch norm.
        dtype: float32 or bfloat16.
        relu: End with a ReLU.

    Raises:
        ValueError: If the two cannot be one convolution.
    """

    def __init__(self, conv: nn.Conv2d, norm: nn.Module, *, dtype: torch.dtype, relu: bool) -> None:
        weight, bias = folded(conv, norm)
        place = [list(conv.padding), list(conv.stride), list(conv.dilation), conv.groups]
        weight = torch.ops.mkldnn._reorder_convolution_weight(weight.to(dtype), *place)
        self._weights = (weight, bias.to(dtype), *place)
        self._relu = 'relu' if relu else None

    def __call__(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H', W')."""
        return torch.ops.mkldnn._convolution_pointwise(
            x, *self._weights, self._relu or 'none', [], ''
        )

    def plus(self, x: Tensor, other: Tensor) -> Tensor:
        """The same with ``other`` (B, C', H', W') added before the ReLU."""
        return torch.ops.mkldnn._convolution_pointwise.binary(
            x, other, *self._weights, 'add', 1.0, self._relu, [], ''
        )

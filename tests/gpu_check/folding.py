"""Batch norms folded into the convolutions before them; the model is left as it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def folded(conv: nn.Conv2d, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight and bias of the one convolution that equals a convolution and its norm in evaluation.

    Args:
        conv: The convolution.
        norm: Its batch norm with running statistics, or what another folding has left of it.

    Raises:
        ValueError: If these two are no such pair.
    """
    if not isinstance(conv, nn.Conv2d) or type(conv).forward is not nn.Conv2d.forward:
        raise ValueError(f'a {type(conv).__name__} is no plain convolution')
    weight = conv.weight.detach()
    bias = torch.zeros_like(weight[:, 0, 0, 0]) if conv.bias is None else conv.bias.detach()
    if isinstance(norm, nn.Identity):
        return weight.clone(), bias.clone()
    if not isinstance(norm, _BatchNorm) or norm.running_var is None:
        raise ValueError(f'a {type(norm).__name__} cannot be folded')
    factor = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        factor = factor * norm.weight.detach()
    shift = (bias - norm.running_mean) * factor
    if norm.bias is not None:
        shift = shift + norm.bias.detach()
    return (weight * factor[:, None, None, None]).to(weight.dtype), shift.to(weight.dtype)

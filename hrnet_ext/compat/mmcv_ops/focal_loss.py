"""Focal loss of sigmoid and of softmax scores.

Shapes: input (N, C), logits or softmax probabilities; target (N,), class indices, int64; weight
(C,) by class, or empty.
Source: Lin et al., ICCV 2017; logarithms are cut off where mmcv's are.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hrnet_ext.compat.mmcv_ops.precision import computable

_TINY = torch.finfo(torch.float32).tiny  # mmcv takes the logarithm of nothing smaller


def sigmoid_focal_loss_forward(
    input: Tensor,  # mmcv's calling convention
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    *,
    gamma: float,
    alpha: float,
) -> None:
    """Write the loss of every logit into `output`.

    Args:
        input: (N, C) logits.
        target: (N,); a class outside of 0 .. C - 1 is background: all C logits are negatives.
        weight: (C,), factor by target class, or empty.
        output: (N, C); written.
        gamma: exponent of the focusing factor.
        alpha: weight of positives; negatives have 1 - alpha.
    """
    p = computable(input).sigmoid()
    positive = (1 - p) ** gamma * _log(p)
    negative = p**gamma * _log(1 - p)
    loss = torch.where(_is_target(input, target), -alpha * positive, (alpha - 1) * negative)
    output.copy_(loss * _class_weight(weight, target)[:, None])


def sigmoid_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    grad_input: Tensor,
    *,
    gamma: float,
    alpha: float,
) -> None:
    """Write the derivative of each logit's loss into `grad_input` (N, C)."""
    p = computable(input).sigmoid()
    positive = (1 - p) ** gamma * (1 - p - gamma * p * _log(p))
    negative = p**gamma * (gamma * (1 - p) * _log(1 - p) - p)
    grad = torch.where(_is_target(input, target), -alpha * positive, (alpha - 1) * negative)
    grad_input.copy_(grad * _class_weight(weight, target)[:, None])


def softmax_focal_loss_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    *,
    gamma: float,
    alpha: float,
) -> None:
    """Write the loss of every row into `output`.

    Args:
        input: (N, C) softmax probabilities.
        target: (N,); a negative one is ignored: no loss.
        weight: (C,), factor by target class, or empty.
        output: (N,); written.
        gamma: exponent of the focusing factor.
        alpha: factor of the loss.
    """
    p = _target_probability(computable(input), target)
    loss = -alpha * (1 - p) ** gamma * _log(p)
    output.copy_(loss.where(target >= 0, 0) * _class_weight(weight, target))


def softmax_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    buff: Tensor,
    grad_input: Tensor,
    *,
    gamma: float,
    alpha: float,
) -> None:
    """Write the derivative by the logits into `grad_input` (N, C), by way of `buff` (N,)."""
    probabilities = computable(input)
    p = _target_probability(probabilities, target)
    slope = alpha * (1 - p) ** (gamma - 1) * (gamma * p * _log(p) - (1 - p))
    buff.copy_(slope.where(target >= 0, 0) * _class_weight(weight, target))
    direction = _is_target(input, target).to(probabilities) - probabilities
    grad_input.copy_(buff.to(probabilities)[:, None] * direction)


def _log(p: Tensor) -> Tensor:
    return p.clamp(min=_TINY).log()


def _is_target(input: Tensor, target: Tensor) -> Tensor:
    return target[:, None] == torch.arange(input.shape[1], device=input.device)


def _target_probability(probabilities: Tensor, target: Tensor) -> Tensor:
    return probabilities.gather(1, target.clamp(min=0)[:, None])[:, 0]


def _class_weight(weight: Tensor, target: Tensor) -> Tensor:
    """Factor of each row (N,): one without weights, and for targets that are no class."""
    if weight.numel() == 0:
        return torch.ones_like(target, dtype=torch.float32)
    is_class = (target >= 0) & (target < len(weight))
    chosen = computable(weight)[target.clamp(0, len(weight) - 1)]
    return chosen.where(is_class, 1)

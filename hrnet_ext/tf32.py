"""TF32: NVIDIA GPUs since Ampere round the factors of float32 products to ten bits, if allowed.

cuDNN's convolutions do so by default. Two networks that are equal in float32, such as one with
batch norms and the same with these folded into its convolutions, then differ by some thousandths
of their maps' maxima instead of some millionths.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

FIRST_CAPABILITY = (8, 0)  # Ampere


@contextmanager
def exact_float32() -> Iterator[None]:
    """Multiply float32 numbers as float32 meanwhile, on every device."""
    switches = list(_switches())
    before = [getattr(owner, name) for owner, name, _ in switches]
    try:
        for owner, name, exact in switches:
            setattr(owner, name, exact)
        yield
    finally:
        for (owner, name, _), value in zip(switches, before):
            setattr(owner, name, value)


def uses_tf32(device: str | torch.device) -> bool:
    """Whether convolutions in float32 round their factors on this device."""
    device = torch.device(device)
    if device.type != 'cuda' or torch.cuda.get_device_capability(device) < FIRST_CAPABILITY:
        return False
    owner, name, _ = next(_switches())
    return getattr(owner, name) in (True, 'tf32')


def _switches() -> Iterator[tuple[Any, str, Any]]:
    """Owner, name and exact value of what decides; cuDNN's convolutions first.

    Torch 2.9 gave each kind of operator a switch of its own. Where a program has set those, the
    older switches raise; where it has not, setting those makes the older ones raise, which torch
    itself still reads.
    """
    backends = torch.backends
    try:
        older = [(owner, owner.allow_tf32) for owner in (backends.cudnn, backends.cuda.matmul)]
    except RuntimeError:
        for owner in (backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul):
            yield owner, 'fp32_precision', 'ieee'
    else:
        for owner, _ in older:
            yield owner, 'allow_tf32', False
    if hasattr(backends.mkldnn, 'conv'):  # CPUs: bf16 or TF32 in oneDNN
        for owner in (backends.mkldnn.conv, backends.mkldnn.matmul):
            yield owner, 'fp32_precision', 'ieee'

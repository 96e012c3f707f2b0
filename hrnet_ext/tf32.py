"""TF32: since Ampere, NVIDIA GPUs may round the factors of float32 products to ten bits.

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
    """Disable TF32 inside the block, on every device."""
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
    """Whether float32 convolutions use TF32 on this device."""
    device = torch.device(device)
    if device.type != 'cuda' or torch.cuda.get_device_capability(device) < FIRST_CAPABILITY:
        return False
    owner, name, _ = next(_switches())
    return getattr(owner, name) in (True, 'tf32')


def _switches() -> Iterator[tuple[Any, str, Any]]:
    """The settings that enable TF32: owner, name and exact value; cuDNN's convolutions first.

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

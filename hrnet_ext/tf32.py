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
    owner, name, exact = next(_switches())
    return getattr(owner, name) not in (exact, 'none')


def _switches() -> Iterator[tuple[Any, str, Any]]:
    """Owner, name and exact value of what decides; cuDNN's convolutions first.

    Torch's older names of the same raise where a user's program has set the newer ones.
    """
    backends = torch.backends
    if hasattr(backends.cudnn, 'conv'):  # torch 2.9
        for owner in (backends.cudnn.conv, backends.cuda.matmul):
            yield owner, 'fp32_precision', 'ieee'
        for owner in (backends.mkldnn.conv, backends.mkldnn.matmul):
            yield owner, 'fp32_precision', 'ieee'
        return
    for owner in (backends.cudnn, backends.cuda.matmul):
        yield owner, 'allow_tf32', False

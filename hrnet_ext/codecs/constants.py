"""Numbers that every batch needs, copied to a device once: each copy would wait for it."""

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=64)
def on_device(numbers: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """A tensor (N,) of N numbers, shared by all who ask for it: never write into it."""
    return torch.tensor(numbers, dtype=dtype, device=device)

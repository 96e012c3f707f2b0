"""Numbers that every batch needs, copied to a device once, because each copy synchronizes."""

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=64)
def on_device(numbers: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """A tensor (N,) of N numbers, shared by all callers: never write into it."""
    return torch.tensor(numbers, dtype=dtype, device=device)

"""torchvision's kernels: importing it takes nearly as long as PyTorch, so not before a call."""

from __future__ import annotations

from typing import Any

import torch


def kernels() -> Any:
    """The namespace ``torch.ops.torchvision``, which importing torchvision fills."""
    import torchvision  # noqa: F401

    return torch.ops.torchvision

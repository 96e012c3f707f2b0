"""torchvision's kernels; imported at the first call, because the import is slow."""

from __future__ import annotations

from typing import Any

import torch


def kernels() -> Any:
    """The namespace ``torch.ops.torchvision``, filled by importing torchvision."""
    import torchvision  # noqa: F401

    return torch.ops.torchvision

"""What ``mmcv.utils.collect_env`` asks its extension about."""

from __future__ import annotations

import torch


def get_compiler_version() -> str:
    """Line for the environment report: no compiler was involved."""
    return 'n/a (operators by hrnet_ext.compat on torchvision)'


def get_compiling_cuda_version() -> str:
    """CUDA version of the kernels in use, which are torch's and torchvision's."""
    return torch.version.cuda or 'not available'

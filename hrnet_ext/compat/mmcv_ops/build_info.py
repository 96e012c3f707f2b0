"""The information that ``mmcv.utils.collect_env`` reads from the extension."""

from __future__ import annotations

import torch


def get_compiler_version() -> str:
    """The compiler line of the environment report."""
    return 'n/a (operators by hrnet_ext.compat on torchvision)'


def get_compiling_cuda_version() -> str:
    """CUDA version of the kernels, which are from torch and torchvision."""
    return torch.version.cuda or 'not available'

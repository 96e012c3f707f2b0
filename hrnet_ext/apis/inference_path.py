"""Make a trained network quicker to run, without changing what it computes.

What is done here changes rounding alone. Lower precision and compilation belong here as well.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hrnet_ext.models import HRNet


def optimize(model: nn.Module) -> nn.Module:
    """Prepare a network for inference, in place.

    Batch norms of our HRNets are folded into the convolutions before them, and weights are laid
    out channels-last. Heatmaps change by less than 1e-4 of their maximum.

    Args:
        model: In evaluation mode; it cannot be trained any more.
    """
    for module in model.modules():
        if isinstance(module, HRNet):
            fold_batch_norms(module)
    return model.to(memory_format=torch.channels_last)


def fold_batch_norms(module: nn.Module) -> None:
    """Fold batch norms into convolutions, in place, where the two are registered as they run."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, _BatchNorm) and before and type(before[1]) is nn.Conv2d:
            module.add_module(before[0], fuse_conv_bn_eval(before[1], child))
            module.add_module(name, nn.Identity())
        else:
            fold_batch_norms(child)
        before = name, child

"""Make a trained model quick to run: one call, one option."""

from __future__ import annotations

from typing import NoReturn

import torch
from mmcv.cnn import fuse_conv_bn
from torch import Tensor, nn

from hrnet_ext.inference.modes import choose_mode
from hrnet_ext.models import HRNet


class QuickNetwork(nn.Module):
    """A backbone prepared for inference: images in, float32 maps out.

    Args:
        network: The backbone, in evaluation mode; it is changed.
        dtype: Its precision.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        folded = fuse_conv_bn(network)
        self.network = folded.to(dtype=dtype, memory_format=torch.channels_last)
        self.dtype = dtype

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) -> maps, float32."""
        images = images.to(self.dtype, memory_format=torch.channels_last)
        return tuple(x.float() for x in self.network(images))


def optimize(model: nn.Module, mode: str | bool = 'fp32') -> nn.Module:
    """Prepare a trained model for inference, in place.

    Args:
        model: A pose estimator, a detector, or a backbone.
        mode: How it runs, and what that costs in accuracy:

            - ``'off'``: as it is.
            - ``'fp32'`` (or True): batch norms folded, channels-last; heatmaps change by less than
              1e-4 of their maximum.
            - ``'bf16'``, and on GPUs ``'fp16'``: half the precision; keypoints change by less than
              0.1 input pixels in the median, AP by less than 0.2 points.
            - each with ``'+compile'``, as in ``'bf16+compile'``: compiled first.
            - ``'auto'``: bf16, fp16 or fp32, whatever the device is best at.

    Returns:
        The model to use: the same object, or for a bare backbone what takes its place. It can
        neither be trained nor saved; with mode ``'off'`` it is as it was.

    Raises:
        ValueError: If there is no such mode, or the model's device cannot run it.
    """
    device = next(model.parameters()).device
    chosen = choose_mode(mode, device)
    if chosen.dtype is None:
        return model
    model.eval()
    if isinstance(model, HRNet):
        return _guarded(_quick(model, chosen.dtype, compiled=chosen.is_compiled))
    for name, module in list(model.named_modules()):
        if isinstance(module, HRNet):
            quick = _quick(module, chosen.dtype, compiled=chosen.is_compiled)
            model.set_submodule(name, quick)
    return _guarded(model)


def _quick(network: nn.Module, dtype: torch.dtype, *, compiled: bool) -> nn.Module:
    quick = QuickNetwork(network, dtype)
    if compiled:
        quick.compile()
    return quick


def _guarded(model: nn.Module) -> nn.Module:
    """The model, refusing what folded weights are unfit for."""

    def train(mode: bool = True) -> nn.Module:
        return _refuse('trained') if mode else model

    model.train = train
    model.register_state_dict_pre_hook(lambda *_: _refuse('saved'))
    return model


def _refuse(what: str) -> NoReturn:
    raise ValueError(
        f'this model was optimized for inference and cannot be {what}: its batch norms are folded; '
        'build it anew without optimize (mode off), or optimize a copy'
    )

"""Prepare a trained backbone for inference and check the result."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Sequence

import torch
from mmcv.cnn import fuse_conv_bn
from mmengine.logging import print_log
from torch import Tensor, nn

from hrnet_ext.acceleration.engines import (
    BucketedNetwork,
    CompiledNetwork,
    OptimizedNetwork,
    Run,
    installed,
)
from hrnet_ext.acceleration.modes import Mode
from hrnet_ext.acceleration.trial import TOLERANCE, EngineNetwork
from hrnet_ext.models import HRNet
from hrnet_ext.tf32 import exact_float32

TRIAL_SIDE = 64


def prepare(
    network: nn.Module, mode: Mode, *, input_size: Sequence[int] | None = None
) -> OptimizedNetwork:
    """A network that computes what a backbone does in evaluation mode, in float32 maps.

    Args:
        network: The backbone, in float32 and evaluation mode; it is left as it is.
        mode: Precision and compilation.
        input_size: (w, h) of images that it takes; None tries small squares.

    Raises:
        ValueError: If it is of a kind that cannot be prepared.
    """
    trial = _Trial(network, input_size)
    plain = trial.passed(fuse_conv_bn(copy.deepcopy(network)))
    plain.to(dtype=mode.dtype, memory_format=torch.channels_last)
    device = trial.images.device
    if mode.is_compiled and can_compile(device):
        return BucketedNetwork(_compiled(plain, device), mode.dtype)
    if device.type == 'cpu' and _is_hrnet(network) and _has_engines(mode.dtype):
        return EngineNetwork(plain, mode.dtype)
    return OptimizedNetwork(plain, mode.dtype)


class _Trial:
    """Random images and the maps of the plain network."""

    @torch.no_grad()
    def __init__(self, network: nn.Module, input_size: Sequence[int] | None) -> None:
        first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
        if first is None:
            raise ValueError('it has no convolutions')
        width, height = (
            (TRIAL_SIDE, TRIAL_SIDE)
            if isinstance(network, HRNet)
            else (input_size or (TRIAL_SIDE, TRIAL_SIDE))
        )
        generator = torch.Generator().manual_seed(0)
        shape = (1, first.in_channels, height, width)
        self.images = torch.randn(shape, generator=generator).to(first.weight.device)
        self.maps = self._run(network)

    @torch.no_grad()
    def passed(self, run: Run) -> Run:
        """``run``, which makes the same maps.

        Raises:
            ValueError: If it does not.
        """
        for found, wanted in zip(self._run(run), self.maps, strict=True):
            scale = wanted.abs().max().clamp(min=torch.finfo(wanted.dtype).tiny)
            if found.shape != wanted.shape or not (found - wanted).abs().max() <= TOLERANCE * scale:
                raise ValueError('its maps change when batch norms are folded')
        return run

    def _run(self, run: Run) -> Sequence[Tensor]:
        with exact_float32():  # TF32 alone moves maps by more than the tolerance
            maps = run(self.images.contiguous(memory_format=torch.channels_last))
        if not isinstance(maps, (tuple, list)) or not all(isinstance(x, Tensor) for x in maps):
            raise ValueError('it does not make a list of maps')
        return maps


def _is_hrnet(network: nn.Module) -> bool:
    """Ours, MMPose's, MMDetection's, MMSegmentation's."""
    return isinstance(network, HRNet) or type(network).__name__ == 'HRNet'


def _has_engines(dtype: torch.dtype) -> bool:
    if installed(dtype):
        return True
    print_log(
        'PyTorch runs this HRNet: with openvino and onnx installed it takes about two thirds of '
        'the time, in bf16 about half',
        'current',
    )
    return False


def can_compile(device: torch.device) -> bool:
    """Whether PyTorch finds the compiler it needs for a device; a warning names the cure."""
    if device.type != 'cpu':
        return True  # Triton comes with PyTorch
    compiler = os.environ.get('CXX', 'g++')
    if shutil.which(compiler) is not None:
        return True
    print_log(
        f'the network is not compiled, because there is no C++ compiler `{compiler}`: install one '
        '(Debian: apt install g++), set the environment variable CXX, or leave out +compile',
        'current',
        level=30,
    )
    return False


def _compiled(network: nn.Module, device: torch.device) -> Run:
    """The network, compiled by PyTorch when it first meets a batch of some size."""
    options = {'mode': 'reduce-overhead'} if device.type == 'cuda' else {}
    return CompiledNetwork(network, **options)

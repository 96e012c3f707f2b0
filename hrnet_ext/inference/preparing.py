"""From a trained backbone to what runs in its place, tried before it is trusted."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from mmcv.cnn import fuse_conv_bn
from mmengine.logging import print_log
from torch import Tensor, nn

from hrnet_ext.inference.compiled import CompiledNetwork
from hrnet_ext.inference.modes import Mode
from hrnet_ext.inference.networks import BucketedNetwork, OptimizedNetwork, Run
from hrnet_ext.inference.packed_conv import PackedConv
from hrnet_ext.inference.packed_hrnet import PackedHRNet
from hrnet_ext.models import HRNet
from hrnet_ext.tf32 import exact_float32

TRIAL_SIDE = 64
TOLERANCE = 1e-4  # of a map's maximum, in float32


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
    if trial.images.device.type == 'cpu' and torch.backends.mkldnn.is_available():
        packed = _packed(network, mode.dtype, trial)
        if packed is not None:
            if mode.is_compiled:
                print_log(
                    'on a CPU HRNets run on operators of oneDNN: nothing to compile', 'current'
                )
            return OptimizedNetwork(packed, mode.dtype)
    plain = trial.passed(fuse_conv_bn(copy.deepcopy(network)))
    plain.to(dtype=mode.dtype, memory_format=torch.channels_last)
    if not mode.is_compiled or not can_compile(trial.images.device):
        return OptimizedNetwork(plain, mode.dtype)
    return BucketedNetwork(_compiled(plain, trial.images.device), mode.dtype)


class _Trial:
    """Random images, and what the plain network makes of them."""

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


def _packed(network: nn.Module, dtype: torch.dtype, trial: _Trial) -> Run | None:
    """The network on oneDNN's operators; None where it is no HRNet that these can run."""
    try:
        ours = network if isinstance(network, HRNet) else _as_ours(network)
        packed = trial.passed(PackedHRNet(ours, partial(PackedConv, dtype=torch.float32)))
        if dtype is torch.float32:
            return packed
        return PackedHRNet(ours, partial(PackedConv, dtype=dtype))
    except Exception as error:
        print_log(f'not packed for oneDNN: {error}', 'current', level=20)
        return None


def _as_ours(network: nn.Module) -> HRNet:
    """An HRNet of MMPose, MMDetection or MMSegmentation as one of ours.

    Raises:
        ValueError: If it is another kind of network.
    """
    extra = getattr(network, 'extra', None)
    if type(network).__name__ != 'HRNet' or not isinstance(extra, Mapping):
        raise ValueError(f'{type(network).__name__} is no HRNet')
    num_targets = len(network.stage4[-1].fuse_layers)
    last = {**extra['stage4'], 'multiscale_output': num_targets > 1}
    ours = HRNet(
        extra={**extra, 'stage4': last},
        in_channels=network.conv1.in_channels,
        conv_cfg=network.conv_cfg,
        norm_cfg=network.norm_cfg,
    )
    ours.load_state_dict(network.state_dict())
    return ours.eval()


def can_compile(device: torch.device) -> bool:
    """Whether PyTorch finds the compiler it needs for a device; a warning names the cure."""
    if device.type != 'cpu':
        return True  # Triton comes with PyTorch
    compiler = os.environ.get('CXX', 'g++')
    if shutil.which(compiler) is not None:
        return True
    print_log(
        f'it runs uncompiled, for there is no C++ compiler `{compiler}`: install one (Debian: apt '
        'install g++), name yours in the environment variable CXX, or leave out +compile',
        'current',
        level=30,
    )
    return False


def _compiled(network: nn.Module, device: torch.device) -> Run:
    """The network, compiled by PyTorch when it first meets a batch of some size."""
    options = {'mode': 'reduce-overhead'} if device.type == 'cuda' else {}
    return CompiledNetwork(network, **options)

"""Convolutions, norms and residual blocks: the building blocks of HRNet.

State-dict names are those of the released checkpoints: ``conv1 bn1 conv2 bn2 [conv3 bn3]
downsample.0 downsample.1``.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import torch
from mmcv.cnn import build_conv_layer, build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class Layers:
    """Makes the layers of one network; holds their common options.

    Args:
        norm_cfg: MMCV's norm config: ``dict(type='BN' | 'SyncBN' | 'GN', ...)``.
        conv_cfg: MMCV's convolution config; ``None`` is ``Conv2d``.
        with_cp: Recompute the residual blocks in the backward pass instead of keeping their
            activations: less memory, about a third more time, the same numbers.
    """

    norm_cfg: dict = field(default_factory=lambda: {'type': 'BN'})
    conv_cfg: dict | None = None
    with_cp: bool = False

    def conv(self, source: int, target: int, kernel: int = 3, stride: int = 1) -> nn.Module:
        """A convolution without bias, padded so that only the stride changes the size."""
        return build_conv_layer(
            self.conv_cfg, source, target, kernel, stride=stride, padding=kernel // 2, bias=False
        )

    def norm(self, channels: int) -> nn.Module:
        """A norm over ``channels``."""
        return build_norm_layer(self.norm_cfg, channels)[1]

    def conv_norm(
        self, source: int, target: int, *tail: nn.Module, kernel: int = 3, stride: int = 1
    ) -> nn.Sequential:
        """Convolution and norm, followed by ``tail``: usually nothing or a ReLU."""
        return nn.Sequential(self.conv(source, target, kernel, stride), self.norm(target), *tail)

    def add_numbered(
        self,
        module: nn.Module,
        number: int,
        source: int,
        target: int,
        *,
        kernel: int = 3,
        stride: int = 1,
    ) -> str:
        """Give ``module`` the pair ``conv<number>``, ``bn<number>``; return the norm's name.

        The norm's name follows its type (``gn1`` for a GroupNorm), which is MMCV's convention.
        """
        name, norm = build_norm_layer(self.norm_cfg, target, postfix=number)
        module.add_module(f'conv{number}', self.conv(source, target, kernel, stride))
        module.add_module(name, norm)
        return name


@contextmanager
def statistics_kept(module: nn.Module) -> Iterator[None]:
    """Let batch norms normalize by their batch without updating their running statistics.

    For a second pass over the same batch, which must not be counted twice. The kernel still gets
    the statistics, because recomputation must save the same tensors as the first pass.
    """
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, kept):
            norm.momentum, norm.num_batches_tracked = momentum, count


class ResidualBlock(BaseModule):
    """Numbered convolutions with norms, added to a shortcut (He et al., CVPR 2016).

    Args:
        source: Input channels.
        target: Output channels.
        layers: The network's layer options.
    """

    expansion: int
    kernels: tuple[int, ...]

    def __init__(self, source: int, target: int, *, layers: Layers) -> None:
        super().__init__()
        inner = target // self.expansion
        widths = [source, *[inner] * (len(self.kernels) - 1), target]
        self.norm_names = [
            layers.add_numbered(self, number, before, after, kernel=kernel)
            for number, (kernel, before, after) in enumerate(
                zip(self.kernels, widths, widths[1:]), start=1
            )
        ]
        self.relu = nn.ReLU(inplace=True)
        self.downsample = (
            nn.Identity() if source == target else layers.conv_norm(source, target, kernel=1)
        )
        self.with_cp = layers.with_cp

    @property
    def last_norm(self) -> nn.Module:
        """The norm before the addition, the one that ``zero_init_residual`` sets to zero."""
        return getattr(self, self.norm_names[-1])

    def forward(self, x: Tensor) -> Tensor:
        """(B, source, H, W) -> (B, target, H, W)."""
        run = self._recomputed if self.with_cp and x.requires_grad else self._add_residual
        return self.relu(run(x))

    def _recomputed(self, x: Tensor) -> Tensor:
        contexts = {'context_fn': lambda: (nullcontext(), statistics_kept(self))}
        return checkpoint(
            self._add_residual,
            x,
            use_reentrant=False,
            preserve_rng_state=False,  # nothing is random; reading a GPU's state waits
            **({} if torch.compiler.is_compiling() else contexts),  # compiled code updates once
        )

    def _add_residual(self, x: Tensor) -> Tensor:
        out = x
        for number, norm in enumerate(self.norm_names, start=1):
            out = getattr(self, norm)(getattr(self, f'conv{number}')(out))
            if number < len(self.norm_names):
                out = self.relu(out)
        return out.add_(self.downsample(x))


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions."""

    expansion = 1
    kernels = (3, 3)


class Bottleneck(ResidualBlock):
    """1x1, 3x3 and 1x1 convolutions, a quarter as wide inside."""

    expansion = 4
    kernels = (1, 3, 1)


BLOCKS = {'BASIC': BasicBlock, 'BOTTLENECK': Bottleneck}

"""HRNet's parts: branches, exchange units, transitions.

Legend: maps are a list of one tensor per branch, finest first; branch i has shape
(B, width * 2**i, h / 2**i, w / 2**i), sizes rounded up.

Source: Sun et al., CVPR 2019, section 3, in the order of the released code (1x1 convolution and
norm before up-sampling).
"""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from hrnet_ext.models.architecture import Stage
from hrnet_ext.models.layers import Layers, ResidualBlock

UPSAMPLE_MODES = ('nearest', 'bilinear')


def upsample_arguments(upsample: str | Mapping) -> dict:
    """Arguments of ``F.interpolate`` for coarse-to-fine paths.

    Args:
        upsample: 'nearest', 'bilinear', or MMPose's ``dict(mode=..., align_corners=...)``.

    Raises:
        ValueError: If the mode is another one.
    """
    options = {'mode': upsample} if isinstance(upsample, str) else dict(upsample)
    if options.get('mode') not in UPSAMPLE_MODES:
        raise ValueError(f'upsample must be one of {UPSAMPLE_MODES}, got {upsample!r}')
    align_corners = options.get('align_corners')
    if options['mode'] == 'bilinear':
        align_corners = bool(align_corners)
    return {'mode': options['mode'], 'align_corners': align_corners}


def make_branch(
    block: type[ResidualBlock], source: int, target: int, num_blocks: int, layers: Layers
) -> nn.Sequential:
    """Residual blocks at one resolution: (B, source, h, w) -> (B, target, h, w)."""
    widths = [source] + [target] * num_blocks
    return nn.Sequential(
        *[block(widths[i], widths[i + 1], layers=layers) for i in range(num_blocks)]
    )


def make_fuse_path(source: int, target: int, channels: Sequence[int], layers: Layers) -> nn.Module:
    """The path from branch ``source``'s map to branch ``target``.

    Fine to coarse: a 3x3 convolution of stride 2 per halving; the last one changes the channels.
    Coarse to fine: a 1x1 convolution, after which the exchange unit upsamples.
    """
    if source == target:
        return nn.Identity()
    if source > target:
        return layers.conv_norm(channels[source], channels[target], kernel=1)
    keep = [
        layers.conv_norm(channels[source], channels[source], nn.ReLU(inplace=True), stride=2)
        for _ in range(target - source - 1)
    ]
    return nn.Sequential(*keep, layers.conv_norm(channels[source], channels[target], stride=2))


def make_transition(
    sources: Sequence[int], targets: Sequence[int], layers: Layers
) -> nn.ModuleList:
    """Carry the branches over to the next stage and spawn its coarser ones from the coarsest."""

    def carry(source: int, target: int) -> nn.Module:
        if source == target:
            return nn.Identity()
        return layers.conv_norm(source, target, nn.ReLU(inplace=True))

    def spawn(halvings: int, target: int) -> nn.Module:
        widths = [sources[-1]] * halvings + [target]
        return nn.Sequential(
            *[
                layers.conv_norm(widths[i], widths[i + 1], nn.ReLU(inplace=True), stride=2)
                for i in range(halvings)
            ]
        )

    carried = [carry(source, target) for source, target in zip(sources, targets)]
    spawned = [
        spawn(halvings, target) for halvings, target in enumerate(targets[len(sources) :], start=1)
    ]
    return nn.ModuleList(carried + spawned)


class HRModule(BaseModule):
    """Parallel branches, then an exchange unit: target k = ReLU(sum over sources i of a(X_i, k)).

    Args:
        stage: The stage this module belongs to.
        sources: Channels of the incoming maps; the branches' own except before bottlenecks.
        layers: The network's layer options.
        num_targets: Number of maps to return, finest first; ``None`` is all.
        upsample: Arguments of ``F.interpolate`` for coarse-to-fine paths.
    """

    def __init__(
        self,
        stage: Stage,
        sources: Sequence[int],
        *,
        layers: Layers,
        num_targets: int | None = None,
        upsample: Mapping | None = None,
    ) -> None:
        super().__init__()
        channels = stage.channels
        self.upsample = dict(upsample or {'mode': 'nearest'})
        self.branches = nn.ModuleList(
            make_branch(stage.block, source, target, num_blocks, layers)
            for source, target, num_blocks in zip(sources, channels, stage.num_blocks)
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(
                make_fuse_path(source, target, channels, layers) for source in range(len(channels))
            )
            for target in range(num_targets or len(channels))
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps, finest first -> maps of the same sizes, the first ``num_targets`` of them."""
        maps = [branch(x) for branch, x in zip(self.branches, maps)]
        return [self._exchange(paths, maps, i) for i, paths in enumerate(self.fuse_layers)]

    def _exchange(self, paths: nn.ModuleList, maps: Sequence[Tensor], target: int) -> Tensor:
        size = maps[target].shape[-2:]
        first, *others = [
            self._enlarge(path(x), 2 ** max(source - target, 0), size)
            for source, (path, x) in enumerate(zip(paths, maps))
        ]
        total = sum(others, first)  # left to right as in the reference: bit-equal
        return self.relu(total) if others else total

    def _enlarge(self, x: Tensor, factor: int, size: tuple[int, int]) -> Tensor:
        """Upsample by the factor, then once more to the target's size if a side was rounded up.

        Two steps, as in MMSegmentation, whose weights were trained that way; MMPose and MMDetection
        do not accept such sizes.
        """
        for step in (tuple(factor * side for side in x.shape[-2:]), size):
            if x.shape[-2:] != step:
                x = F.interpolate(x, size=step, **self.upsample)
        return x

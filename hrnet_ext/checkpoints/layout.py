"""Names and shapes of an HRNet's tensors, worked out from a few numbers, and those from names.

Names are the official release's and MMPose's, without prefix: ``conv1.weight`` ...
``stage4.2.fuse_layers.0.3.1.num_batches_tracked``. A shape is a tuple, () for a scalar.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Shape = tuple[int, ...]
Entries = Iterator[tuple[str, Shape]]

STEM_WIDTH = 64
BOTTLENECK_EXPANSION = 4
NUM_STAGES = 4


@dataclass(frozen=True)
class Layout:
    """What determines the tensors of an HRNet.

    Args:
        width: Channels at stride 4; branch i has ``width * 2**i``.
        num_modules: Modules of stages 2, 3 and 4.
        num_blocks: Residual blocks on a branch of stages 1 to 4.
        bottleneck_width: Inner channels of stage 1 (64; timm's small ones have less).
        in_channels: Of the image.
        multiscale_output: Whether the last exchange unit makes all four maps (HRNetV2) or one.
    """

    width: int
    num_modules: tuple[int, ...] = (1, 4, 3)
    num_blocks: tuple[int, ...] = (4, 4, 4, 4)
    bottleneck_width: int = STEM_WIDTH
    in_channels: int = 3
    multiscale_output: bool = False

    def shapes(self) -> dict[str, Shape]:
        """All tensors, in the order of a state dict."""
        entries = [
            *_conv_norm('conv1', 'bn1', self.in_channels, STEM_WIDTH),
            *_conv_norm('conv2', 'bn2', STEM_WIDTH, STEM_WIDTH),
            *self._layer1(),
        ]
        channels = [self.bottleneck_width * BOTTLENECK_EXPANSION]
        for stage in range(2, NUM_STAGES + 1):
            targets = [self.width * 2**branch for branch in range(stage)]
            entries += _transition(f'transition{stage - 1}', channels, targets)
            entries += self._stage(stage, targets)
            channels = targets
        return dict(entries)

    def _layer1(self) -> Entries:
        inner, outer = self.bottleneck_width, self.bottleneck_width * BOTTLENECK_EXPANSION
        source = STEM_WIDTH
        for block in range(self.num_blocks[0]):
            name = f'layer1.{block}'
            yield from _conv_norm(f'{name}.conv1', f'{name}.bn1', source, inner, kernel=1)
            yield from _conv_norm(f'{name}.conv2', f'{name}.bn2', inner, inner)
            yield from _conv_norm(f'{name}.conv3', f'{name}.bn3', inner, outer, kernel=1)
            if source != outer:
                yield from _numbered(f'{name}.downsample', source, outer, kernel=1)
            source = outer

    def _stage(self, stage: int, channels: list[int]) -> Entries:
        num_modules = self.num_modules[stage - 2]
        for module in range(num_modules):
            name = f'stage{stage}.{module}'
            is_last = stage == NUM_STAGES and module == num_modules - 1
            num_targets = 1 if is_last and not self.multiscale_output else stage
            for branch, width in enumerate(channels):
                yield from _branch(f'{name}.branches.{branch}', width, self.num_blocks[stage - 1])
            for target in range(num_targets):
                for source in range(stage):
                    path = f'{name}.fuse_layers.{target}.{source}'
                    yield from _fuse_path(path, source, target, channels)


def infer_layout(shapes: Mapping[str, Shape]) -> Layout | None:
    """Find the network whose tensors these are; None where it is no HRNet at all.

    Args:
        shapes: Names without prefix. What is absent is taken to be as published.
    """
    first = shapes.get('stage2.0.branches.0.0.conv1.weight')
    if first is None or len(first) != 4:
        return None
    published = Layout(width=first[0])
    modules = [_count(shapes, rf'stage{stage}\.(\d+)\.') for stage in (2, 3, 4)]
    blocks = [_count(shapes, r'layer1\.(\d+)\.')]
    blocks += [_count(shapes, rf'stage{stage}\.0\.branches\.0\.(\d+)\.') for stage in (2, 3, 4)]
    num_modules = tuple(a or b for a, b in zip(modules, published.num_modules))
    last = f'stage4.{num_modules[-1] - 1}.fuse_layers.1.'
    return Layout(
        width=first[0],
        num_modules=num_modules,
        num_blocks=tuple(a or b for a, b in zip(blocks, published.num_blocks)),
        bottleneck_width=shapes.get('layer1.0.conv1.weight', (STEM_WIDTH,))[0],
        in_channels=shapes.get('conv1.weight', (STEM_WIDTH, 3))[1],
        multiscale_output=any(name.startswith(last) for name in shapes),
    )


def _count(names: Mapping[str, Shape], pattern: str) -> int:
    """One more than the highest number that the pattern's group takes, 0 where it never fits."""
    found = (re.match(pattern, name) for name in names)
    return max((int(match.group(1)) + 1 for match in found if match), default=0)


def _conv_norm(conv: str, norm: str, source: int, target: int, *, kernel: int = 3) -> Entries:
    yield f'{conv}.weight', (target, source, kernel, kernel)
    for name in ('weight', 'bias', 'running_mean', 'running_var'):
        yield f'{norm}.{name}', (target,)
    yield f'{norm}.num_batches_tracked', ()


def _numbered(name: str, source: int, target: int, *, kernel: int = 3) -> Entries:
    """A convolution and a norm in an ``nn.Sequential``."""
    return _conv_norm(f'{name}.0', f'{name}.1', source, target, kernel=kernel)


def _branch(name: str, width: int, num_blocks: int) -> Entries:
    for block in range(num_blocks):
        for layer in (1, 2):
            names = (f'{name}.{block}.conv{layer}', f'{name}.{block}.bn{layer}')
            yield from _conv_norm(*names, width, width)


def _fuse_path(name: str, source: int, target: int, channels: list[int]) -> Entries:
    if source > target:
        yield from _numbered(name, channels[source], channels[target], kernel=1)
    for step in range(target - source):
        is_last = step == target - source - 1
        width = channels[target] if is_last else channels[source]
        yield from _numbered(f'{name}.{step}', channels[source], width)


def _transition(name: str, sources: list[int], targets: list[int]) -> Entries:
    for branch, target in enumerate(targets):
        if branch >= len(sources):  # spawned from the coarsest by a stride-2 convolution
            yield from _numbered(f'{name}.{branch}.0', sources[-1], target)
        elif sources[branch] != target:
            yield from _numbered(f'{name}.{branch}', sources[branch], target)

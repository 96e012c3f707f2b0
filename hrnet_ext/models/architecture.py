"""The shape of an HRNet: from one width, from OpenMMLab's ``extra`` dict, or from its tensors.

Stage 1 has one branch of bottlenecks; stage s = 2, 3, 4 has s branches, and branch i has
stride ``4 * 2**i`` and ``width * 2**i`` channels (Sun et al., CVPR 2019, section 3).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hrnet_ext.models.layers import BLOCKS, ResidualBlock

Shape = tuple[int, ...]  # of a tensor; () is a scalar

STAGE_KEYS = ('num_modules', 'num_branches', 'block', 'num_blocks', 'num_channels')
NUM_STAGES = 4
STAGES = tuple(f'stage{number}' for number in range(1, NUM_STAGES + 1))
STEM_WIDTH = 64
PUBLISHED_WIDTHS = (18, 30, 32, 40, 44, 48, 64)
PUBLISHED_MODULES = (1, 4, 3)  # of stages 2, 3 and 4
PUBLISHED_BLOCKS = (4, 4, 4, 4)  # of stages 1 to 4


@dataclass(frozen=True)
class Stage:
    """One stage.

    Args:
        block: The residual block of all its branches.
        num_modules: How many modules (branches + exchange unit) follow one another.
        num_blocks: Residual blocks on each branch of a module.
        channels: Output channels of each branch.
    """

    block: type[ResidualBlock]
    num_modules: int
    num_blocks: tuple[int, ...]
    channels: tuple[int, ...]


def stages_of_width(
    width: int,
    num_modules: Sequence[int] = PUBLISHED_MODULES,
    *,
    num_blocks: Sequence[int] = PUBLISHED_BLOCKS,
    bottleneck_width: int = STEM_WIDTH,
) -> list[Stage]:
    """The papers' network of ``width`` channels at stride 4.

    The released small ones have fewer modules and blocks: W18-small-v1 is ``width=16,
    num_modules=(1, 1, 1), num_blocks=(1, 2, 2, 2), bottleneck_width=32``, W18-small-v2
    ``width=18, num_modules=(1, 3, 2), num_blocks=(2, 2, 2, 2)``.

    Args:
        width: C of HRNet-WC; 18, 30, 32, 40, 44, 48 and 64 were published, any works.
        num_modules: Modules of stages 2, 3 and 4.
        num_blocks: Residual blocks on each branch of a module, for stages 1 to 4.
        bottleneck_width: Inner channels of stage 1's bottlenecks.

    Raises:
        ValueError: If one of them cannot make a network; the message names it.
    """
    if not _is_positive(width):
        raise ValueError(
            f'width must be a positive integer (published: {_listed(PUBLISHED_WIDTHS)}), '
            f'got {width!r}'
        )
    if not _are_positive(num_modules, NUM_STAGES - 1):
        raise ValueError(
            'num_modules must be three positive integers, for stages 2, 3 and 4, '
            f'got {num_modules!r}'
        )
    if not _are_positive(num_blocks, NUM_STAGES):
        raise ValueError(
            f'num_blocks must be four positive integers, for stages 1 to 4, got {num_blocks!r}'
        )
    if not _is_positive(bottleneck_width):
        raise ValueError(
            'bottleneck_width must be a positive integer (published: 64, and 32 in W18-small-v1), '
            f'got {bottleneck_width!r}'
        )
    block = BLOCKS['BOTTLENECK']
    first = Stage(block, 1, (num_blocks[0],), (bottleneck_width * block.expansion,))
    return [first] + [
        Stage(
            BLOCKS['BASIC'],
            modules,
            (blocks,) * branches,
            tuple(width * 2**i for i in range(branches)),
        )
        for branches, (modules, blocks) in enumerate(zip(num_modules, num_blocks[1:]), start=2)
    ]


def stages_from_extra(extra: Mapping) -> list[Stage]:
    """Read the ``extra`` of MMPose's, MMDetection's and MMSegmentation's HRNet configs.

    Raises:
        ValueError: Naming the key that is missing or wrong, and what it may be.
    """
    if not isinstance(extra, Mapping):
        raise ValueError(f'extra must be a dict with the keys {_listed(STAGES)}, got {extra!r}')
    surplus = [key for key in extra if str(key).startswith('stage') and key not in STAGES]
    if surplus:
        raise ValueError(
            f'extra has {_listed(surplus)}, but an HRNet has {NUM_STAGES} stages: {_listed(STAGES)}'
        )
    return [_read_stage(extra, number) for number in range(1, NUM_STAGES + 1)]


def infer_arguments(shapes: Mapping[str, Shape]) -> dict[str, Any] | None:
    """Find the network whose tensors these are.

    Args:
        shapes: Of the backbone's tensors, by names without prefix. What is absent is taken to be as
            published.

    Returns:
        Arguments of :class:`~hrnet_ext.models.HRNet`; None where it is not an HRNet.
    """
    first = shapes.get('stage2.0.branches.0.0.conv1.weight')
    if first is None or len(first) != 4:
        return None
    modules = [_count(shapes, rf'stage{stage}\.(\d+)\.') for stage in (2, 3, 4)]
    blocks = [_count(shapes, r'layer1\.(\d+)\.')]
    blocks += [_count(shapes, rf'stage{stage}\.0\.branches\.0\.(\d+)\.') for stage in (2, 3, 4)]
    num_modules = tuple(a or b for a, b in zip(modules, PUBLISHED_MODULES))
    second_target = f'stage4.{num_modules[-1] - 1}.fuse_layers.1.'
    return {
        'width': first[0],
        'num_modules': num_modules,
        'num_blocks': tuple(a or b for a, b in zip(blocks, PUBLISHED_BLOCKS)),
        'bottleneck_width': shapes.get('layer1.0.conv1.weight', (STEM_WIDTH,))[0],
        'in_channels': shapes.get('conv1.weight', (STEM_WIDTH, 3))[1],
        'multiscale_output': any(name.startswith(second_target) for name in shapes),
    }


def _count(names: Iterable[str], pattern: str) -> int:
    """One more than the highest number that the pattern's group takes, 0 where it never fits."""
    found = (re.match(pattern, name) for name in names)
    return max((int(match.group(1)) + 1 for match in found if match), default=0)


def _read_stage(extra: Mapping, number: int) -> Stage:
    name = f'extra.stage{number}'
    config = extra.get(f'stage{number}')
    if not isinstance(config, Mapping):
        raise ValueError(
            f'{name} must be a dict with the keys {_listed(STAGE_KEYS)}, got {config!r}'
        )
    missing = [key for key in STAGE_KEYS if key not in config]
    if missing:
        raise ValueError(
            f'{name} lacks {_listed(missing)}; a stage has the keys {_listed(STAGE_KEYS)}'
        )
    if config['block'] not in BLOCKS:
        raise ValueError(f'{name}.block must be one of {list(BLOCKS)}, got {config["block"]!r}')
    if config['num_branches'] != number:
        raise ValueError(f'{name}.num_branches must be {number}, got {config["num_branches"]!r}')
    for key in ('num_blocks', 'num_channels'):
        if not _are_positive(config[key], number):
            raise ValueError(
                f'{name}.{key} must hold {number} positive integers, got {config[key]!r}'
            )
    if not _is_positive(config['num_modules']):
        raise ValueError(
            f'{name}.num_modules must be a positive integer, got {config["num_modules"]!r}'
        )
    block = BLOCKS[config['block']]
    return Stage(
        block,
        config['num_modules'],
        tuple(config['num_blocks']),
        tuple(planes * block.expansion for planes in config['num_channels']),
    )


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_positive(values: object, count: int) -> bool:
    is_list = isinstance(values, Sequence) and not isinstance(values, str)
    return is_list and len(values) == count and all(map(_is_positive, values))


def _listed(names: Sequence) -> str:
    return ', '.join(map(str, names))

"""The shape of an HRNet: from one width, or from the ``extra`` dict of OpenMMLab configs.

Stage 1 has one branch of bottlenecks; stage s = 2, 3, 4 has s branches, and branch i has
stride ``4 * 2**i`` and ``width * 2**i`` channels (Sun et al., CVPR 2019, section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hrnet_ext.models.layers import BLOCKS, ResidualBlock

STAGE_KEYS = ('num_modules', 'num_branches', 'block', 'num_blocks', 'num_channels')
NUM_STAGES = 4
STEM_WIDTH = 64
BLOCKS_PER_BRANCH = 4


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


def stages_of_width(width: int, num_modules: tuple[int, int, int] = (1, 4, 3)) -> list[Stage]:
    """The papers' network of ``width`` channels at stride 4.

    Args:
        width: C of HRNet-WC; 18, 30, 32, 40, 44, 48 and 64 were published, any works.
        num_modules: Modules of stages 2, 3 and 4.

    Raises:
        ValueError: If ``width`` or ``num_modules`` cannot make a network.
    """
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise ValueError(
            'width must be a positive integer (published: 18, 30, 32, 40, 44, 48, 64), '
            f'got {width!r}'
        )
    if len(num_modules) != NUM_STAGES - 1 or any(
        not isinstance(n, int) or n < 1 for n in num_modules
    ):
        raise ValueError(
            'num_modules must be three positive integers, for stages 2, 3 and 4, '
            f'got {num_modules!r}'
        )
    first = Stage(BLOCKS['BOTTLENECK'], 1, (BLOCKS_PER_BRANCH,), (STEM_WIDTH * 4,))
    return [first] + [
        Stage(
            BLOCKS['BASIC'],
            modules,
            (BLOCKS_PER_BRANCH,) * branches,
            tuple(width * 2**i for i in range(branches)),
        )
        for branches, modules in enumerate(num_modules, start=2)
    ]


def stages_from_extra(extra: Mapping) -> list[Stage]:
    """Read the ``extra`` of MMPose's, MMDetection's and MMSegmentation's HRNet configs.

    Raises:
        ValueError: Naming the key that is missing or wrong, and what it may be.
    """
    return [_read_stage(extra, number) for number in range(1, NUM_STAGES + 1)]


def _read_stage(extra: Mapping, number: int) -> Stage:
    name = f'extra.stage{number}'
    config = extra.get(f'stage{number}')
    if not isinstance(config, Mapping):
        raise ValueError(f'{name} must be a dict with the keys {STAGE_KEYS}, got {config!r}')
    missing = [key for key in STAGE_KEYS if key not in config]
    if missing:
        raise ValueError(f'{name} lacks {missing}; a stage has the keys {STAGE_KEYS}')
    if config['block'] not in BLOCKS:
        raise ValueError(f'{name}.block must be one of {list(BLOCKS)}, got {config["block"]!r}')
    if config['num_branches'] != number:
        raise ValueError(f'{name}.num_branches must be {number}, got {config["num_branches"]!r}')
    for key in ('num_blocks', 'num_channels'):
        if len(config[key]) != number or min(config[key]) < 1:
            raise ValueError(
                f'{name}.{key} must hold {number} positive integers, got {config[key]!r}'
            )
    if not config['num_modules'] >= 1:
        raise ValueError(f'{name}.num_modules must be at least 1, got {config["num_modules"]!r}')
    block = BLOCKS[config['block']]
    return Stage(
        block,
        config['num_modules'],
        tuple(config['num_blocks']),
        tuple(planes * block.expansion for planes in config['num_channels']),
    )

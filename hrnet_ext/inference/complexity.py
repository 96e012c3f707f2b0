"""Parameters and multiply-adds of a network, by part.

The multiply-adds of convolutions and matrix products are counted for one image; norms,
activations, sums and upsampling are not. Parameters include those of norms. The "GFLOPs" in the
HRNet papers are these multiply-adds in units of 2**30.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hrnet_ext.models.input_channels import input_channels

# Where a module belongs, by its name in the pose estimator; the first match counts.
HRNET_PARTS = (
    (r'(conv|bn|gn|in|ln)[12]\b', 'stem'),
    (r'layer1\b', 'stage 1'),
    (r'transition(\d)', r'transition \1'),
    (r'stage(\d)\.\d+\.branches', r'stage \1 branches'),
    (r'stage(\d)\.\d+\.fuse_layers', r'stage \1 exchange'),
)


PAPER_GFLOP = 2**30


@dataclass
class Complexity:
    """Number of parameters, and of multiply-adds for one image."""

    parameters: int = 0
    multiply_adds: int = 0

    def __add__(self, other: 'Complexity') -> 'Complexity':
        return Complexity(
            self.parameters + other.parameters, self.multiply_adds + other.multiply_adds
        )


def part_of(module_name: str) -> str:
    """The part that a module belongs to: ``backbone.stage2.0.branches.1`` -> ``stage 2 branches``.

    Args:
        module_name: Name in ``named_modules()``; others are grouped by their first part.
    """
    top, _, rest = module_name.partition('.')
    if top == 'backbone':
        for pattern, part in HRNET_PARTS:
            match = re.match(pattern, rest)
            if match:
                return match.expand(part)
    return top


def measure(network: nn.Module, forward: Callable[[], object]) -> dict[str, Complexity]:
    """Complexity by part, in the order of the network.

    Args:
        network: The network.
        forward: Runs it on one image, preferably on the meta device.
    """
    with FlopCounterMode(display=False) as counter:
        forward()
    counts = counter.get_flop_counts()
    root = type(network).__name__
    parts: dict[str, Complexity] = {}
    for name, module in network.named_modules():
        if any(True for _ in module.children()):
            continue
        cost = Complexity(
            sum(p.numel() for p in module.parameters()),
            sum(counts.get(f'{root}.{name}', {}).values()) // 2,  # a multiply-add counts as two
        )
        if cost != Complexity():
            parts[part_of(name)] = parts.get(part_of(name), Complexity()) + cost
    return parts


def measure_config(cfg: Config, shape: tuple[int, int] | None = None) -> dict[str, Complexity]:
    """Complexity of a config's model by part.

    Args:
        cfg: Config of a model with MMEngine's ``forward(inputs, data_samples, mode)``.
        shape: Input (height, width); None uses the codec's ``input_size``.

    Raises:
        ValueError: If the input size is unknown or zero.
    """
    height, width = shape or _codec_shape(cfg)
    if min(height, width) < 1:
        raise ValueError(f'--shape: height and width should be at least 1, not {height} {width}')
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    model = MODELS.build(cfg.model).eval().to('meta')
    inputs = torch.empty(1, input_channels(model), height, width, device='meta')
    with torch.no_grad():
        return measure(model, lambda: model(inputs, None, mode='tensor'))


def _codec_shape(cfg: Config) -> tuple[int, int]:
    size = cfg.get('codec', {}).get('input_size')
    if size is None:
        raise ValueError('the config has no codec.input_size; give --shape HEIGHT WIDTH')
    return size[1], size[0]

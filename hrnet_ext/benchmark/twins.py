"""The same model twice: ours, and MMPose's own classes with the same weights.

Legend: B images; images (B, 3, H, W).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor, nn

from hrnet_ext.apis.run_config import read_config
from hrnet_ext.benchmark.options import Options
from hrnet_ext.checkpoints import convert, load_checkpoint

OUR_PREFIX = 'hrnet_ext.'
# What MMPose's configs set; what ours add for speed stays ours.
MODEL_KEYS = ('type', 'data_preprocessor', 'backbone', 'neck', 'head', 'train_cfg', 'test_cfg')
IMAGE_KEYS = ('type', 'mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr')
BACKBONE_KEYS = ('type', 'in_channels', 'extra', 'norm_cfg', 'norm_eval')
SHAPE_KEYS = {'width', 'num_modules', 'num_blocks', 'bottleneck_width'}  # ours, for `extra`


class Twins:
    """Builds our model and MMPose's from one config and one set of weights.

    Args:
        options: Config, checkpoint and device.

    Attributes:
        cfg: The config.
        codec: Its codec's.
        input_size, input_shape: (w, h) and (H, W).

    Raises:
        FileNotFoundError, ValueError: If the config or the checkpoint is not usable.
    """

    def __init__(self, options: Options) -> None:
        self.cfg = read_config(options.config, [])
        init_default_scope('mmpose')
        self.device = options.device
        self.codec = self.cfg.codec.to_dict()
        self.input_size = tuple(self.codec['input_size'])
        self.input_shape = self.input_size[::-1]
        self._weights = self._read(options.checkpoint) if options.checkpoint else self._invent()

    def ours(self, **changes: Any) -> nn.Module:
        """Ours as the config has it, in evaluation mode.

        Args:
            **changes: To the model's config.
        """
        return self._built({**self.cfg.model, **changes})

    def mmposes(self) -> nn.Module:
        """MMPose's, in evaluation mode."""
        return self._built(mmpose_model(self.cfg.model))

    def weights(self) -> dict[str, Tensor]:
        """What both begin with, on the CPU."""
        return {name: value.clone() for name, value in self._weights.items()}

    def images(self, num: int) -> Tensor:
        """Noise (num, 3, H, W) as normalized images are, on the device; always the same."""
        generator = torch.Generator().manual_seed(num)
        return torch.randn(num, 3, *self.input_shape, generator=generator).to(self.device)

    def _built(self, model: dict[str, Any]) -> nn.Module:
        model = MODELS.build(copy.deepcopy(model))
        model.load_state_dict(self._weights)
        return model.to(self.device).eval()

    def _read(self, checkpoint: str) -> dict[str, Tensor]:
        weights, _ = convert(load_checkpoint(checkpoint))
        return weights

    def _invent(self) -> dict[str, Tensor]:
        """Random weights whose norms know their inputs, so that maps have a trained one's scale."""
        torch.manual_seed(0)
        model = MODELS.build(copy.deepcopy(self.cfg.model))
        norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        for norm in norms:
            norm.momentum = 1.0
        height, width = self.input_shape
        with torch.no_grad():
            model.train()(torch.randn(4, 3, height, width), None, mode='tensor')
        return {name: value.detach() for name, value in model.state_dict().items()}


def mmpose_model(model: dict[str, Any]) -> dict[str, Any]:
    """MMPose's config of the model that one of ours describes.

    Args:
        model: With ``hrnet_ext.HRNet`` of some ``width`` or ``extra`` as its backbone.
    """
    ours = without_prefix(copy.deepcopy(dict(model)))
    theirs = {key: ours[key] for key in MODEL_KEYS if key in ours}
    images, backbone = theirs['data_preprocessor'], theirs['backbone']
    theirs['data_preprocessor'] = {key: images[key] for key in IMAGE_KEYS if key in images}
    theirs['backbone'] = {key: backbone[key] for key in BACKBONE_KEYS if key in backbone}
    if 'extra' not in backbone:
        theirs['backbone']['extra'] = stages(**{k: backbone[k] for k in SHAPE_KEYS & {*backbone}})
    return theirs


def stages(
    width: int = 32,
    num_modules: Sequence[int] = (1, 4, 3),
    num_blocks: Sequence[int] = (4, 4, 4, 4),
    bottleneck_width: int = 64,
) -> dict[str, Any]:
    """MMPose's nested ``extra`` of what :class:`hrnet_ext.models.HRNet` takes by these names."""
    extra = {'stage1': _stage(1, 1, num_blocks[0], 'BOTTLENECK', [bottleneck_width])}
    for number, (modules, blocks) in enumerate(zip(num_modules, num_blocks[1:]), start=2):
        channels = [width * 2**branch for branch in range(number)]
        extra[f'stage{number}'] = _stage(modules, number, blocks, 'BASIC', channels)
    return extra


def without_prefix(config: Any) -> Any:
    """A config in which our types have become MMPose's of the same name."""
    if isinstance(config, dict):
        return {key: without_prefix(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(without_prefix(each) for each in config)
    return config.removeprefix(OUR_PREFIX) if isinstance(config, str) else config


def multiply_adds(cfg: Config) -> int:
    """Of one image."""
    from hrnet_ext.apis.complexity import measure_config

    return sum(part.multiply_adds for part in measure_config(cfg).values())


def _stage(
    num_modules: int, num_branches: int, num_blocks: int, block: str, channels: list[int]
) -> dict[str, Any]:
    return {
        'num_modules': num_modules,
        'num_branches': num_branches,
        'block': block,
        'num_blocks': (num_blocks,) * num_branches,
        'num_channels': tuple(channels),
    }

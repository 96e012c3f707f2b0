"""Our model and MMPose's with the same weights, and functions that run them.

Legend: B images; images (B, 3, H, W) normalized; heatmaps (B, K, H / 4, W / 4).
"""

from __future__ import annotations

import argparse
import copy
import io
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor, nn

from benchmarks.comparison import Call
from hrnet_ext.acceleration import optimize
from hrnet_ext.acceleration.engines import installed
from hrnet_ext.acceleration.trial import TRIAL_AFTER
from hrnet_ext.checkpoints import convert, load_checkpoint
from hrnet_ext.engine.run_config import read_config
from hrnet_ext.export.graph import Network
from hrnet_ext.models.architecture import stages_of_width
from hrnet_ext.models.layers import BLOCKS
from hrnet_ext.runtimes.to_onnx import to_onnx
from hrnet_ext.tf32 import uses_tf32

OUR_PREFIX = 'hrnet_ext.'
TOPDOWN = 'mmpose::body_2d_keypoint/topdown_heatmap/'
MMPOSE_CONFIG = f'{TOPDOWN}coco/td-hm_hrnet-w32_8xb64-210e_coco-256x192.py'
SHAPE_KEYS = ('width', 'num_modules', 'num_blocks', 'bottleneck_width')
PRECISIONS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


class Models:
    """Builds our model and MMPose's from one config and one set of weights.

    Args:
        config: Ours: a path, or the name of a shipped config.
        device: Where the models run.
        checkpoint: The weights; None for random ones, always the same.

    Attributes:
        cfg: Our config.
        mmpose_cfg: MMPose's config for the same model and data.
        input_size: (w, h).

    Raises:
        FileNotFoundError, ValueError: If the config or the checkpoint cannot be used.
    """

    def __init__(self, config: str, device: str, checkpoint: str | None = None) -> None:
        self.cfg = read_config(config, [])
        self.mmpose_cfg = mmpose_config(self.cfg)
        init_default_scope('mmpose')
        self.device = device
        self.input_size = tuple(self.cfg.codec.input_size)
        self.weights = convert(load_checkpoint(checkpoint))[0] if checkpoint else self._random()

    @classmethod
    def of(cls, options: argparse.Namespace) -> Models:
        """The models that the command line names."""
        return cls(options.config, options.device, options.checkpoint)

    def __str__(self) -> str:
        width, height = self.input_size
        return f'{height}x{width}'

    def ours(self, **changes: Any) -> nn.Module:
        """Our model in evaluation mode; ``changes`` are made to its config."""
        return self._build({**self.cfg.model, **changes})

    def mmpose(self) -> nn.Module:
        """MMPose's model in evaluation mode."""
        return self._build(self.mmpose_cfg.model)

    def images(self, num: int) -> Tensor:
        """Noise (num, 3, H, W) on the device, always the same."""
        generator = torch.Generator().manual_seed(num)
        return torch.randn(num, 3, *self.input_size[::-1], generator=generator).to(self.device)

    def _build(self, config: dict[str, Any]) -> nn.Module:
        model = MODELS.build(copy.deepcopy(config))
        model.load_state_dict(self.weights)
        return model.to(self.device).eval()

    @torch.no_grad()
    def _random(self) -> dict[str, Tensor]:
        """Random weights. Batch norms have met noise: heatmaps have the scale of trained ones."""
        torch.manual_seed(0)
        model = MODELS.build(copy.deepcopy(self.cfg.model)).train()
        for norm in model.modules():
            if isinstance(norm, nn.modules.batchnorm._BatchNorm):
                norm.momentum = 1.0
        model(torch.randn(4, 3, *self.input_size[::-1]), None, mode='tensor')
        return model.state_dict()


def mmpose_config(cfg: Config) -> Config:
    """MMPose's shipped HRNet config with the model sizes, codec and data files of one of ours."""
    theirs, ours = get_config(MMPOSE_CONFIG), _without_prefix(cfg.to_dict())
    backbone = ours['model']['backbone']
    theirs.codec = ours['codec']
    theirs.model = _updated(theirs.model, ours['model'])
    theirs.model.head.decoder = theirs.codec
    del theirs.model.backbone['init_cfg']  # the weights are given
    if 'extra' not in backbone:
        shape = {key: backbone[key] for key in SHAPE_KEYS if key in backbone}
        theirs.model.backbone.extra = _extra_of(**shape)
    for name in ('train_dataloader', 'test_dataloader'):
        steps = theirs[name].dataset.pipeline
        given = {step['type']: step for step in ours[name]['dataset']['pipeline']}
        steps = [_updated(step, given.get(step['type'], {})) for step in steps]
        for step in steps:
            if 'encoder' in step:
                step['encoder'] = theirs.codec  # also with keys that MMPose's does not set
        theirs[name] = _updated(theirs[name], ours[name])
        theirs[name].dataset.pipeline = steps
    return theirs


def exact_off_by(device: str) -> float:
    """How far results in fp32 may be apart, over the largest value."""
    return 0.02 if uses_tf32(device) else 1e-4  # random weights make small, noisy heatmaps


def of_network(model: nn.Module, images: Tensor) -> Call:
    """A function that computes the heatmaps as a test loop does."""
    return torch.no_grad()(partial(model, images, None, mode='tensor'))


def optimized(models: Models, mode: str, images: Tensor) -> Call:
    """The same for our model in a mode of ``hrnet_ext.optimize``."""
    return settled(of_network(optimize(models.ours(), mode), images), images)


def settled(call: Call, images: Tensor | np.ndarray) -> Call:
    """A call after so many that, on a CPU, an optimized model has chosen its engine."""
    if not getattr(images, 'is_cuda', False):
        for _ in range(-(-TRIAL_AFTER // len(images))):
            call()
    return call


def exported(model: nn.Module, images: Tensor) -> bytes:
    """The network as the exporter writes it in ONNX, without decoding: images to heatmaps."""
    file = io.BytesIO()
    network = Network(copy.deepcopy(model).cpu(), torch.float32).eval()
    to_onnx(network, images.cpu(), file, takes='images', gives=['heatmaps'])
    return file.getvalue()


def in_runtime(name: str, precision: str, network: bytes, images: Tensor) -> Call:
    """An exported network in ONNX Runtime or OpenVINO, as ``hrnet_ext.optimize`` opens it."""
    dtype = PRECISIONS[precision]
    runtimes = installed(dtype)
    if name not in runtimes or images.is_cuda:
        raise RuntimeError(f'{name} is not installed, or has no {precision} on {images.device}')
    return partial(runtimes[name](network, dtype, len(images)), images)


def _extra_of(**shape: Any) -> dict[str, Any]:
    """MMPose's ``extra`` of the network that our backbone builds from these arguments."""
    names = {block: name for name, block in BLOCKS.items()}
    return {
        f'stage{number}': {
            'num_modules': stage.num_modules,
            'num_branches': number,
            'block': names[stage.block],
            'num_blocks': stage.num_blocks,
            'num_channels': tuple(each // stage.block.expansion for each in stage.channels),
        }
        for number, stage in enumerate(stages_of_width(**{'width': 32, **shape}), start=1)
    }


def _updated(theirs: Any, ours: Any) -> Any:
    """MMPose's settings, with our values of the keys that both have."""
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return ours
    return ConfigDict(
        {key: _updated(value, ours[key]) if key in ours else value for key, value in theirs.items()}
    )


def _without_prefix(config: Any) -> Any:
    """A config with MMPose's types in place of ours, which have the same names."""
    if isinstance(config, dict):
        return {key: _without_prefix(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(map(_without_prefix, config))
    return config.removeprefix(OUR_PREFIX) if isinstance(config, str) else config

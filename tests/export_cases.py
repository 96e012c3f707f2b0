"""A small model to export, exported files of it, and which tests their packages allow."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import nn

from hrnet_ext.engine.run_config import read_config
from hrnet_ext.export.exporter import write
from hrnet_ext.export.formats import FORMATS
from hrnet_ext.export.metadata import Metadata
from hrnet_ext.export.model import describe
from tests.references import randomize, stage

WIDTH = 8
CENTER = 0.75  # of what `randomize` gives
QUARTER = {'unbiased': False, 'blur_kernel_size': 11}


def needs(*packages: str) -> pytest.MarkDecorator:
    """Skips a test where one of the packages is absent, and says which."""
    absent = [name for name in packages if find_spec(name) is None]
    return pytest.mark.skipif(bool(absent), reason=f'{", ".join(absent)} is not installed')


with_onnxruntime = needs('onnx', 'onnxruntime')
with_openvino = needs('onnx', 'openvino')
# Format, and the backend that runs it.
WAYS = [
    pytest.param('onnx', 'onnxruntime', marks=with_onnxruntime, id='onnx, ONNX Runtime'),
    pytest.param('onnx', 'openvino', marks=with_openvino, id='onnx, OpenVINO'),
    pytest.param('openvino', 'openvino', marks=with_openvino, id='OpenVINO'),
    pytest.param('torchscript', 'torchscript', id='TorchScript'),
    pytest.param('torch-export', 'torch-export', id='torch.export'),
]
SLOW_LAST = [  # torch.export takes its time
    *WAYS[:-1],
    pytest.param('torch-export', 'torch-export', id='torch.export', marks=pytest.mark.exhaustive),
]


def small_config(name: str = 'hrnet_synthetic', **codec) -> Config:
    """A shipped config with a narrow backbone of single blocks, its codec changed everywhere."""
    cfg = read_config(name, [f'model.head.in_channels={WIDTH}'])
    cfg.model.backbone = {'type': 'hrnet_ext.HRNet', 'extra': small_extra()}
    cfg.codec.update(codec)
    cfg.model.head.decoder.update(codec)
    return cfg


def small_extra() -> dict:
    """MMPose's nested dict of a network with one block wherever HRNets have four."""
    stages = {'stage1': stage(1, 1, 'BOTTLENECK', [16])}
    for branches in (2, 3, 4):
        channels = [WIDTH * 2**i for i in range(branches)]
        stages[f'stage{branches}'] = stage(branches, 1, 'BASIC', channels)
    return {
        key: {**each, 'num_blocks': (1,) * each['num_branches']} for key, each in stages.items()
    }


def build(cfg: Config) -> nn.Module:
    """Its model with random weights whose heatmaps peak inside, not only along the border."""
    init_default_scope('mmpose')
    model = randomize(MODELS.build(cfg.model)).eval()
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.bias.data -= CENTER
            module.running_mean -= CENTER
    return model


def write_checkpoint(model: nn.Module, path: Path) -> str:
    """Its weights as a checkpoint."""
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, path)
    return str(path)


def export(
    cfg: Config,
    folder: Path,
    name: str = 'onnx',
    *,
    model: nn.Module | None = None,
    flip_test: bool = True,
    normalizes: bool = True,
    precision: str = 'fp32',
    with_heatmaps: bool = False,
) -> tuple[Path, nn.Module, Metadata]:
    """A config's model in a file; the file, the model, and what the file says of itself."""
    model = model or build(cfg)
    metadata = describe(cfg, model, normalizes=normalizes, flip_test=flip_test, precision=precision)
    path = folder / f'pose{FORMATS[name].suffix}'
    write(model, metadata, FORMATS[name], path, with_heatmaps=with_heatmaps)
    return path, model, metadata

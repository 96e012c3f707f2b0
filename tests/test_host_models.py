"""The hosts' models train and infer with our backbone, nothing in their configs changed but a type.

One config for every set of classes around the backbone; ``-m slow`` takes a step with every one.
"""

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope

from hrnet_ext.checkpoints import convert, to_official
from tests.host_configs import (
    NAMES,
    TYPES,
    config_folder,
    group_by_parts,
    hrnet_configs,
    with_our_type,
    without_weights,
)
from tests.host_data import SIDE, detection_batch, pose_batches, quarter, segmentation_batch

LEAST = {'mmpose': 9, 'mmdet': 6, 'mmseg': 2}
pytestmark = pytest.mark.filterwarnings('ignore')  # the hosts', about their own code
each_host = pytest.mark.parametrize('host', TYPES)


def try_config(host: str, name: str) -> None:
    """Build a shipped config's model with our backbone, train it one step, infer once."""
    with DefaultScope.overwrite_default_scope(host):
        take_a_step(host, name)


def take_a_step(host: str, name: str) -> None:
    registry = pytest.importorskip(f'{host}.registry')
    config = Config.fromfile(config_folder(host) / name, import_custom_modules=False)
    model_config = with_our_type(without_weights(config.model.to_dict()), host)
    if host == 'mmpose':
        config = Config(quarter(config.to_dict()))
        model_config = quarter(model_config)
        train, test = pose_batches(config)
    elif host == 'mmdet':
        keep_few_detections(model_config)
        train = test = detection_batch(num_classes=2)
    else:
        model_config['data_preprocessor']['size'] = (SIDE, SIDE)
        train = test = segmentation_batch(num_classes=2)
    model = registry.MODELS.build(ConfigDict(model_config))
    before = model.backbone.conv1.weight.detach().clone()
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-3))
    losses = [
        loss for key, loss in model.train().train_step(train, optimizer).items() if 'loss' in key
    ]
    assert losses
    assert all(torch.isfinite(loss).all() for loss in losses), name
    assert not torch.equal(model.backbone.conv1.weight, before), name  # gradients came down to it
    with torch.no_grad():
        assert len(model.eval().test_step(test)) == len(test['inputs']), name


def keep_few_detections(model: dict) -> None:
    """Random networks see hundreds of things in a picture; heads would take seconds with each."""
    if 'rpn_head' not in model:
        return
    train, test = model['train_cfg'], model['test_cfg']
    for proposals in (train['rpn_proposal'], test['rpn']):
        proposals['max_per_img'] = 20
    for stage in train['rcnn'] if isinstance(train['rcnn'], list) else [train['rcnn']]:
        stage['sampler']['num'] = 16
    test['rcnn']['max_per_img'] = 3


def width(model: ConfigDict) -> int:
    return model.backbone.extra.stage2.num_channels[0]


@each_host
def test_every_kind_of_model_trains_a_step_and_infers(host, capsys):
    models = hrnet_configs(host)
    groups = group_by_parts(models)
    for _, names in groups:
        try_config(host, min(names, key=lambda name: width(models[name])))
    with capsys.disabled():
        print(f'\n{NAMES[host]}: {len(groups)} kinds of models trained a step and inferred')
    assert len(groups) >= LEAST[host]


@each_host
def test_checkpoints_of_every_kind_of_model_convert(host):
    """That they load by name into the same model with our backbone, test_host_backbones proves."""
    registry = pytest.importorskip(f'{host}.registry')
    models = hrnet_configs(host)
    for _, (name, *_) in group_by_parts(models):
        config = without_weights(models[name])
        with DefaultScope.overwrite_default_scope(host), torch.device('meta'):
            theirs = registry.MODELS.build(config).state_dict()
        converted, report = convert({'state_dict': theirs})
        assert report.unexpected == report.missing == [], name
        assert not report.mismatched, name
        assert len(report.matched) + len(report.ignored) == len(theirs), name
        backbone = {k for k in theirs if k.startswith('backbone.')}
        assert {k.removeprefix('backbone.') for k in backbone} <= set(to_official(converted)), name


@pytest.mark.slow
@each_host
def test_every_shipped_config_trains_a_step_and_infers(host, capsys):
    names = list(hrnet_configs(host))
    for name in names:
        try_config(host, name)
    with capsys.disabled():
        print(f'\n{NAMES[host]}: {len(names)} of {len(names)} configs trained a step and inferred')

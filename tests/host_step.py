"""One training step and one inference of any config of the hosts that has our backbone."""

import importlib

import torch
from mmengine.config import Config, ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope

from tests.host_configs import without_weights
from tests.host_data import SIDE, detection_batch, pose_batches, quarter, segmentation_batch


def take_a_step(config: Config) -> None:
    """Build the model with random weights, train it one step on made data, infer once."""
    with DefaultScope.overwrite_default_scope(config.default_scope):
        _take_a_step(config)


def _take_a_step(config: Config) -> None:
    host = config.default_scope
    model_config = without_weights(config.model.to_dict())
    if host == 'mmpose':
        model_config = quarter(model_config)
        train, test = pose_batches(Config(quarter(config.to_dict())))
    elif host == 'mmdet':
        keep_few_detections(model_config)
        train = test = detection_batch(num_classes=2)
    else:
        model_config['data_preprocessor']['size'] = (SIDE, SIDE)
        train = test = segmentation_batch(num_classes=2)
    model = importlib.import_module(f'{host}.registry').MODELS.build(ConfigDict(model_config))
    assert type(model.backbone).__module__ == 'hrnet_ext.models.hrnet'
    before = model.backbone.conv1.weight.detach().clone()
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-3))
    logged = model.train().train_step(train, optimizer)
    losses = [loss for key, loss in logged.items() if 'loss' in key]
    assert losses
    assert all(torch.isfinite(loss).all() for loss in losses)
    assert not torch.equal(model.backbone.conv1.weight, before)  # gradients came down to it
    with torch.no_grad():
        assert len(model.eval().test_step(test)) == len(test['inputs'])


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

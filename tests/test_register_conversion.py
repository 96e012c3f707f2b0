"""Whoever loads into our modules may bring any released file; a wrong one is an error."""

import copy
import logging

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from mmengine.runner.checkpoint import _load_checkpoint_to_model, load_state_dict
from torch import nn

from hrnet_ext.checkpoints import register_conversion, to_official
from hrnet_ext.models import HRNet, HRNetV2


def small_network(width=8):
    """An `extra` with a single residual block on each branch: quick to build and to load."""

    def stage(branches, block='BASIC'):
        return {
            'num_modules': 1,
            'num_branches': branches,
            'block': block,
            'num_blocks': (1,) * branches,
            'num_channels': tuple(width * 2**i for i in range(branches)),
        }

    return {
        'extra': {
            'stage1': stage(1, 'BOTTLENECK'),
            **{f'stage{branches}': stage(branches) for branches in (2, 3, 4)},
        }
    }


SIZE = small_network()
OTHER_SIZE = small_network(16)


class Estimator(nn.Module):
    """What a pose estimator is to a checkpoint."""

    def __init__(self, num_keypoints=17, backbone=None):
        super().__init__()
        self.backbone = backbone or HRNet(**SIZE)
        self.head = nn.Module()
        self.head.final_layer = nn.Conv2d(8, num_keypoints, 1)
        register_conversion(self)


class Detector(nn.Module):
    """A host's model around our backbone, on which nothing is registered."""

    def __init__(self):
        super().__init__()
        self.backbone = HRNet(**SIZE)


def randomised(module):
    """The module with every tensor drawn anew, so that no two agree by their initialization."""
    for tensor in module.state_dict().values():
        tensor.copy_(torch.randn(tensor.shape) * 9)
    return module


def prefixed(prefix, state_dict):
    return {prefix + name: tensor for name, tensor in state_dict.items()}


def by_torch(module, state_dict):
    module.load_state_dict(state_dict)


def by_torch_leniently(module, state_dict):
    module.load_state_dict(state_dict, strict=False)


def by_mmengine(module, state_dict):
    load_state_dict(module, state_dict, strict=True)


def by_runner(module, state_dict):
    _load_checkpoint_to_model(module, {'state_dict': state_dict}, strict=True)


LOADERS = [by_torch, by_mmengine, by_runner]
SPELLINGS = {
    'ours': dict,
    'official': to_official,
    'official, DataParallel': lambda weights: prefixed('module.', to_official(weights)),
    'MMPose 0.x': lambda weights: {
        name.replace('head.', 'keypoint_head.'): tensor for name, tensor in weights.items()
    },
}


def is_counter(name):
    """Torch does not miss these: files from before they existed lack them."""
    return name.endswith('num_batches_tracked')


def assert_equal(state_dict, expected):
    assert list(state_dict) == list(expected)
    assert all(torch.equal(state_dict[name], expected[name]) for name in expected)


@pytest.fixture
def warnings_logged(caplog, monkeypatch):
    """Messages of MMEngine's logger, as the root logger would get them."""
    messages = []
    target = 'hrnet_ext.models.weights.registration.print_log'
    monkeypatch.setattr(
        target, lambda message, logger=None, level=logging.INFO: messages.append((level, message))
    )
    return messages


@pytest.mark.parametrize('load', LOADERS)
@pytest.mark.parametrize('spelling', SPELLINGS)
def test_estimator_takes_every_spelling_strictly(load, spelling):
    source, target = randomised(Estimator()).state_dict(), Estimator()
    load(target, SPELLINGS[spelling](source))
    assert_equal(target.state_dict(), source)


@pytest.mark.parametrize('load', LOADERS)
@pytest.mark.parametrize('wrap', [to_official, dict], ids=['official pose', 'MMPose'])
def test_backbone_takes_the_backbone_of_a_pose_network(load, wrap):
    source = randomised(Estimator())
    target = HRNet(**SIZE)
    load(target, wrap(source.state_dict()))
    assert_equal(target.state_dict(), source.backbone.state_dict())


def test_pose_backbone_takes_imagenet_weights_without_a_complaint():
    source = randomised(HRNetV2(**SIZE)).state_dict()
    released = {**source, 'incre_modules.0.0.bn1.bias': torch.ones(1)}
    released['classifier.weight'] = torch.ones(1000, 2048)
    target = HRNet(**SIZE)
    by_mmengine(target, released)  # strict: it would raise for a left-over
    assert_equal(target.state_dict(), {k: v for k, v in source.items() if k in target.state_dict()})


def test_estimator_takes_a_backbone_alone():
    source, target = randomised(HRNet(**SIZE)).state_dict(), Estimator()
    missing, unexpected = target.load_state_dict(source, strict=False)
    assert_equal(target.backbone.state_dict(), source)
    assert missing == ['head.final_layer.weight', 'head.final_layer.bias']
    assert unexpected == []


@pytest.mark.parametrize('spelling', SPELLINGS)
def test_other_keypoints_load_all_but_the_last_layer(warnings_logged, spelling):
    source, target = randomised(Estimator(17)).state_dict(), Estimator(5)
    untrained = copy.deepcopy(target.head.state_dict())
    load_state_dict(target, SPELLINGS[spelling](source), strict=False)
    backbone = {k.removeprefix('backbone.'): v for k, v in source.items() if 'backbone.' in k}
    assert_equal(target.backbone.state_dict(), backbone)
    assert_equal(target.head.state_dict(), untrained)
    loud = [message for level, message in warnings_logged if level == logging.WARNING]
    assert len(loud) == 1
    assert '17 keypoints, this model 5: loads everything but the last layer' in loud[0]


def test_strict_loading_still_tells_of_the_last_layer():
    with pytest.raises(RuntimeError, match=r'head\.final_layer\.weight'):
        Estimator(5).load_state_dict(Estimator(17).state_dict())


def test_strict_loading_still_tells_of_unknown_names():
    released = to_official(Estimator().state_dict()) | {'mystery.weight': torch.ones(1)}
    with pytest.raises(RuntimeError, match=r'mystery\.weight'):
        Estimator().load_state_dict(released)


OTHER_MODELS = {
    'another width': lambda: Estimator(backbone=HRNet(**OTHER_SIZE)).state_dict(),
    'another width, official': lambda: HRNet(**OTHER_SIZE).state_dict(),
    'not an HRNet': lambda: {'backbone.layer4.0.conv1.weight': torch.ones(512, 256, 1, 1)},
    'a classifier': lambda: {'fc.weight': torch.ones(10, 10)},
}


@pytest.mark.parametrize('load', [*LOADERS, by_torch_leniently])
@pytest.mark.parametrize('make', [Estimator, lambda: HRNet(**SIZE)], ids=['estimator', 'backbone'])
@pytest.mark.parametrize('other', OTHER_MODELS)
def test_checkpoint_of_another_model_is_an_error(load, make, other):
    target = make()
    before = copy.deepcopy(target.state_dict())
    with pytest.raises(ValueError, match=r'another model: \d+ of \d+ tensors of the backbone'):
        load(target, OTHER_MODELS[other]())
    assert_equal(target.state_dict(), before)


def test_error_names_both_widths():
    with pytest.raises(ValueError, match=r'holds an HRNet of width 16; this is a .* of width 8'):
        by_torch(Estimator(), HRNet(**OTHER_SIZE).state_dict())


@pytest.mark.parametrize('load', [*LOADERS, by_torch_leniently])
@pytest.mark.parametrize('spelling', SPELLINGS)
def test_callers_dict_is_left_alone(load, spelling):
    released = SPELLINGS[spelling](randomised(Estimator()).state_dict())
    before = {name: tensor.clone() for name, tensor in released.items()}
    load(Estimator(), released)
    assert_equal(released, before)


def test_part_of_our_own_weights_loads_as_torch_would():
    source, target = randomised(Estimator()).state_dict(), Estimator()
    part = {name: tensor for name, tensor in source.items() if name.startswith('head.')}
    missing, unexpected = target.load_state_dict(part, strict=False)
    assert set(missing) == {k for k in source if k.startswith('backbone.') and not is_counter(k)}
    assert unexpected == []
    assert torch.equal(target.head.final_layer.weight, source['head.final_layer.weight'])
    with pytest.raises(RuntimeError, match='Missing key'):
        target.load_state_dict({})


def test_inside_a_larger_model_the_root_decides():
    official = randomised(HRNet(**SIZE)).state_dict()
    target = Detector()
    missing, unexpected = target.load_state_dict(official, strict=False)
    assert unexpected == list(official)
    assert missing == [f'backbone.{name}' for name in official if not is_counter(name)]
    target.load_state_dict(prefixed('backbone.', official))
    assert_equal(target.backbone.state_dict(), official)


def test_other_backbones_keep_their_names():
    def make():
        return Estimator(backbone=nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)))

    source, target = randomised(make()).state_dict(), make()
    target.load_state_dict(source | {'head.final_layer.bias': torch.ones(17)})
    assert torch.equal(target.backbone[0].weight, source['backbone.0.weight'])


def test_averaged_model_saves_and_loads_its_own():
    average = ExponentialMovingAverage(Estimator())
    other = ExponentialMovingAverage(randomised(Estimator()))
    average.load_state_dict(other.state_dict())
    assert_equal(average.state_dict(), other.state_dict())
    # Its copy of the estimator is a root of its own when MMEngine fills it from load_from.
    weights = randomised(Estimator()).state_dict()
    load_state_dict(average.module, to_official(weights), strict=True)
    assert_equal(average.module.state_dict(), weights)


def test_wrapped_for_several_processes_loads_its_own():
    class Wrapped(nn.Module):  # DistributedDataParallel's names without its process group
        def __init__(self):
            super().__init__()
            self.module = randomised(Estimator())

    source, target = Wrapped().state_dict(), Wrapped()
    target.load_state_dict(source)
    assert_equal(target.state_dict(), source)


def test_pretrained_init_takes_official_pose_weights(tmp_path):
    source = randomised(Estimator())
    torch.save(to_official(source.state_dict()), tmp_path / 'pose_hrnet.pth')
    pretrained = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'pose_hrnet.pth')}
    target = HRNet(**SIZE, init_cfg=pretrained)
    target.init_weights()
    assert_equal(target.state_dict(), source.backbone.state_dict())


def test_pretrained_init_with_a_prefix(tmp_path):
    source = randomised(Estimator())
    torch.save({'state_dict': source.state_dict()}, tmp_path / 'td-hm_hrnet.pth')
    pretrained = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'td-hm_hrnet.pth')}
    target = HRNet(**SIZE, init_cfg={**pretrained, 'prefix': 'backbone.'})
    target.init_weights()
    assert_equal(target.state_dict(), source.backbone.state_dict())

"""Every released spelling of an HRNet's tensors becomes ours; a report tells of each."""

import functools

import pytest
import torch

from hrnet_ext.checkpoints import convert, find_weights, to_official
from hrnet_ext.models import HRNet
from hrnet_ext.models.architecture import infer_arguments
from hrnet_ext.models.weights.names import (
    AVERAGE_COUNTER,
    CLASSIFIER,
    NOT_A_TENSOR,
    OTHER_TASK,
    PREPROCESSOR,
)

NUM_KEYPOINTS = 17
WIDTH = 8


def network_shapes(width=WIDTH, num_modules=(1, 1, 1), **options):
    with torch.device('meta'):
        return shapes_of(HRNet(width, num_modules, **options))


def shapes_of(module):
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def tensors(shapes):
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


def prefixed(prefix, state_dict):
    return {prefix + name: tensor for name, tensor in state_dict.items()}


@functools.lru_cache
def backbone(**options):
    """Bare names -> zeros, as the official release and timm spell the network itself."""
    return tensors(network_shapes(**options))


def head(prefix='', width=WIDTH, num_keypoints=NUM_KEYPOINTS):
    shapes = {'final_layer.weight': (num_keypoints, width, 1, 1)}
    return prefixed(prefix, tensors({**shapes, 'final_layer.bias': (num_keypoints,)}))


OURS = {**prefixed('backbone.', backbone()), **head('head.')}
CLASSIFICATION = tensors(
    {
        'incre_modules.0.0.conv1.weight': (32, 8, 1, 1),
        'downsamp_modules.0.0.bias': (256,),
        'final_layer.0.weight': (2048, 1024, 1, 1),
        'final_layer.1.running_mean': (2048,),
        'classifier.weight': (1000, 2048),
        'classifier.bias': (1000,),
    }
)
HRNET_V2 = backbone(multiscale_output=True)

# comment: checkpoint as released, has a pose head, reason -> number of tensors left out
RELEASED = {
    'ours and MMPose 1.x': (OURS, True, {}),
    'official pose': ({**backbone(), **head()}, True, {}),
    'official, DataParallel': (prefixed('module.', {**backbone(), **head()}), True, {}),
    'official checkpoint.pth': (
        {'epoch': 3, 'model': 'pose_hrnet', 'state_dict': prefixed('module.', backbone())},
        False,
        {},
    ),
    'official, best only': ({'best_state_dict': {**backbone(), **head()}}, True, {}),
    'official ImageNet': ({**HRNET_V2, **CLASSIFICATION}, False, {CLASSIFIER: 6}),
    'MMPose 0.x': (
        {**prefixed('backbone.', backbone()), **head('keypoint_head.')},
        True,
        {},
    ),
    'MMPose 1.0 preprocessor': (
        {**OURS, 'data_preprocessor.mean': torch.zeros(3)},
        True,
        {PREPROCESSOR: 1},
    ),
    'MMEngine average only': (
        {'ema_state_dict': {**prefixed('module.', OURS), 'steps': torch.tensor(3)}},
        True,
        {AVERAGE_COUNTER: 1},
    ),
    'MMDetection': (
        {
            **prefixed('backbone.', HRNET_V2),
            'neck.reduction_conv.conv.weight': torch.zeros(1),
            'rpn_head.rpn_cls.weight': torch.zeros(1),
            'roi_head.bbox_head.fc_cls.weight': torch.zeros(1),
        },
        False,
        {OTHER_TASK: 3},
    ),
    'MMSegmentation': (
        {
            **prefixed('backbone.', HRNET_V2),
            'decode_head.conv_seg.weight': torch.zeros(1),
            'auxiliary_head.conv_seg.weight': torch.zeros(1),
        },
        False,
        {OTHER_TASK: 2},
    ),
    'MMPretrain': (
        {**prefixed('backbone.', HRNET_V2), 'head.fc.weight': torch.zeros(10, 8)},
        False,
        {CLASSIFIER: 1},
    ),
    'official segmentation': (
        {**prefixed('model.', HRNET_V2), 'model.last_layer.0.weight': torch.zeros(1)},
        False,
        {OTHER_TASK: 1},
    ),
    'timm through OpenMMLab': (prefixed('backbone.timm_model.', HRNET_V2), False, {}),
    'with a number among the tensors': ({**OURS, 'epoch': 3}, True, {NOT_A_TENSOR: 1}),
}


@pytest.mark.parametrize('name', RELEASED)
def test_released_names_become_ours(name):
    released, has_head, left_out = RELEASED[name]
    converted, report = convert(released)
    backbone_names = [key for key in converted if key.startswith('backbone.')]
    head_names = [key for key in converted if key.startswith('head.')]
    assert set(backbone_names) >= set(prefixed('backbone.', backbone()))
    assert head_names == (list(head('head.')) if has_head else [])
    assert report.missing == report.unexpected == []
    assert report.mismatched == {}
    assert set(report.matched) == set(converted)
    assert report.backbone_fraction == 1
    assert report.width == WIDTH
    assert report.num_keypoints == (NUM_KEYPOINTS if has_head else None)
    reasons = list(report.ignored.values())
    assert {reason: reasons.count(reason) for reason in reasons} == left_out


HEAD_ON_ALL_MAPS = {
    'head.conv_layers.0.weight': (30, 30, 1, 1),
    'head.conv_layers.1.running_var': (30,),
    'head.final_layer.weight': (98, 30, 1, 1),
    'head.final_layer.bias': (98,),
}
SPELLINGS = {
    'official faces': ('head.0.', 'head.1.', 'head.3.'),
    'MMPose 0.x': tuple(f'keypoint_head.final_layer.{i}.' for i in (0, 1, 3)),
    'MMPose 1.x': ('head.conv_layers.0.', 'head.conv_layers.1.', 'head.final_layer.'),
}


@pytest.mark.parametrize('spelling', SPELLINGS)
def test_a_head_on_all_maps_becomes_mmposes(spelling):
    ours = SPELLINGS['MMPose 1.x']
    head_on_all_maps = {
        other + name.removeprefix(mine): tensor
        for name, tensor in tensors(HEAD_ON_ALL_MAPS).items()
        for mine, other in zip(ours, SPELLINGS[spelling])
        if name.startswith(mine)
    }
    network = HRNET_V2 if spelling == 'official faces' else prefixed('backbone.', HRNET_V2)
    converted, report = convert({**network, **head_on_all_maps})
    assert [name for name in converted if name.startswith('head.')] == list(HEAD_ON_ALL_MAPS)
    assert report.unexpected == report.missing == []
    assert report.num_keypoints == 98
    back = list(to_official(converted))
    assert back[-4:] == ['head.0.weight', 'head.1.running_var', 'head.3.weight', 'head.3.bias']
    assert back[:-4] == list(HRNET_V2)


def test_heads_of_other_kinds_are_kept_and_have_no_official_names():
    dekr = {'head.heatmap_conv_layers.0.conv.weight': torch.zeros(1)}
    converted, report = convert({**prefixed('backbone.', backbone()), **dekr})
    assert list(converted)[-1:] == list(dekr)
    assert report.unexpected == []
    assert 'another pose head' in str(report)
    assert list(to_official(converted)) == list(backbone())


def test_every_tensor_is_accounted_for_once():
    released = {**HRNET_V2, **CLASSIFICATION, 'mystery.weight': torch.zeros(1)}
    _, report = convert(released)
    assert len(report.matched) + len(report.ignored) + len(report.unexpected) == len(released)
    assert report.unexpected == ['mystery.weight']


def test_values_follow_their_names_and_the_order_is_the_models():
    released = {name: torch.randn(tensor.shape) for name, tensor in backbone().items()}
    converted, _ = convert(dict(reversed(released.items())))
    assert list(converted) == list(prefixed('backbone.', backbone()))
    assert all(converted[f'backbone.{name}'] is tensor for name, tensor in released.items())


def test_there_and_back_is_the_official_file():
    official = {**backbone(), **head()}
    converted, _ = convert(official)
    assert list(to_official(converted)) == list(official)
    assert all(to_official(converted)[name] is official[name] for name in official)


def test_the_argument_is_left_alone():
    released = prefixed('module.', {**backbone(), **CLASSIFICATION})
    before = dict(released)
    convert(released)
    assert list(released) == list(before)


def test_missing_tensors_are_listed():
    released = {name: t for name, t in backbone().items() if not name.startswith('stage3.')}
    _, report = convert(released)
    assert {name.split('.')[1] for name in report.missing} == {'stage3'}
    assert 0 < report.backbone_fraction < 1
    assert 'missing' in str(report)


def test_another_network_matches_nothing():
    released = tensors({'conv1.weight': (64, 3, 7, 7), 'layer4.0.conv1.weight': (512, 256, 1, 1)})
    _, report = convert(released)
    assert report.width is None
    assert report.backbone_fraction == 0
    assert str(report).startswith('no HRNet')


def test_shapes_of_a_given_network_are_compared():
    expected = prefixed('backbone.', network_shapes(16))
    _, report = convert(backbone(), expected)
    name = 'backbone.stage2.0.branches.0.0.conv1.weight'
    assert report.mismatched[name] == ((8, 8, 3, 3), (16, 16, 3, 3))
    assert report.backbone_fraction < 0.5


def test_weights_are_found_where_training_code_keeps_them():
    weights = {'conv1.weight': torch.zeros(1)}
    assert find_weights(weights) is weights
    # In MMEngine's files 'state_dict' holds the averaged weights, the better ones.
    assert find_weights({'state_dict': weights, 'ema_state_dict': {}, 'model': 'x'}) is weights


def test_verdict_reads_well():
    _, report = convert({**HRNET_V2, **CLASSIFICATION})
    assert str(report) == (
        'HRNet-W8, no pose head: 100.0% of the backbone matched\n'
        f'  matched    {len(HRNET_V2)}\n'
        '  ignored    6 (ImageNet classification head, expected)\n'
        '  missing    0\n'
        '  unexpected 0\n'
        '  mismatched 0'
    )


@pytest.mark.parametrize(
    'changed',
    [
        {'width': 32},
        {'width': 48, 'multiscale_output': True},
        {
            'width': 16,
            'num_modules': (1, 1, 1),
            'num_blocks': (1, 2, 2, 2),
            'bottleneck_width': 32,
        },
        {'width': 18, 'num_modules': (1, 3, 2), 'in_channels': 1},
    ],
)
def test_a_networks_shapes_give_its_arguments(changed):
    arguments = {
        'num_modules': (1, 4, 3),
        'num_blocks': (4, 4, 4, 4),
        'bottleneck_width': 64,
        'in_channels': 3,
        'multiscale_output': False,
        **changed,
    }
    assert infer_arguments(network_shapes(**arguments)) == arguments


@pytest.mark.parametrize('width', [18, 32, 48])
@pytest.mark.parametrize('multiscale', [False, True])
def test_the_expected_network_is_mmposes(width, multiscale):
    """Parity: names, shapes and order of the host's own class."""
    mmpose = pytest.importorskip('mmpose.models')
    from tests.references import hrnet_extra

    with torch.device('meta'):
        theirs = mmpose.HRNet(hrnet_extra(width, multiscale_output=multiscale))
    ours = network_shapes(width, (1, 4, 3), multiscale_output=multiscale)
    assert list(shapes_of(theirs).items()) == list(ours.items())


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('hrnet_w18_small', {}),  # one block a branch, narrow stage 1
        ('hrnet_w18_small_v2', {}),
        ('hrnet_w32', {}),
        ('hrnet_w48', {'num_classes': 0}),
        ('hrnet_w32', {'features_only': True}),
        ('hrnet_w18_ssld', {}),  # another classification head
    ],
)
def test_timms_networks_convert(name, options):
    timm = pytest.importorskip('timm')
    with torch.device('meta'):
        theirs = timm.create_model(name, pretrained=False, **options).state_dict()
    converted, report = convert(theirs)
    assert report.missing == report.unexpected == []
    assert not report.mismatched
    assert set(report.ignored.values()) == {CLASSIFIER}
    assert len(converted) + len(report.ignored) == len(theirs)


def test_mmdetections_network_converts():
    mmdet = pytest.importorskip('mmdet.models')
    from tests.references import hrnet_extra

    with torch.device('meta'):
        theirs = mmdet.HRNet(hrnet_extra(18)).state_dict()
    converted, report = convert(prefixed('backbone.', theirs))
    assert list(converted) == list(prefixed('backbone.', theirs))
    assert len(report.matched) == len(theirs)

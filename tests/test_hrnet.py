"""The backbone equals MMPose's to the last bit, and does what MMPose's cannot."""

import logging

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.models.backbones import HRNet as MMPoseHRNet
from torch.nn.modules.batchnorm import _BatchNorm

from hrnet_ext.models import HRNet, HRNetV2, host_defaults
from hrnet_ext.models.layers import ResidualBlock
from tests.references import hrnet_extra, randomize, stage

SMALL = {'width': 8, 'num_modules': (1, 1, 1)}


def pair(width: int, **options):
    """Ours and MMPose's with equal weights."""
    reference = randomize(MMPoseHRNet(hrnet_extra(width, **options)))
    ours = HRNet(extra=hrnet_extra(width, **options))
    ours.load_state_dict(reference.state_dict(), strict=True)
    return ours, reference


@pytest.mark.parametrize('width', [32, 48])
def test_keys_shapes_and_order_are_those_of_released_checkpoints(width):
    ours = HRNet(width).state_dict()
    reference = MMPoseHRNet(hrnet_extra(width)).state_dict()
    assert list(ours) == list(reference)
    assert [v.shape for v in ours.values()] == [v.shape for v in reference.values()]


def test_a_released_checkpoint_has_these_keys():
    keys = list(HRNet(32).state_dict())
    assert len(keys) == 1752
    assert keys[0] == 'conv1.weight'
    assert keys[-1] == 'stage4.2.fuse_layers.0.3.1.num_batches_tracked'
    assert 'stage3.3.fuse_layers.2.0.0.1.running_mean' in keys
    assert 'transition3.3.0.0.weight' in keys
    assert 'layer1.0.downsample.1.bias' in keys


@pytest.mark.parametrize('width', [32, 48])
@pytest.mark.parametrize('training', [False, True])
def test_features_are_bit_equal_and_gradients_too(width, training):
    ours, reference = pair(width)
    images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    ours.train(training), reference.train(training)
    found, wanted = ours(images)[0], reference(images)[0]
    assert torch.equal(found, wanted)
    assert wanted.std() > 1e-3  # a dead network would be equal too

    upstream = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(2))
    found.backward(upstream), wanted.backward(upstream)
    for (name, p), q in zip(ours.named_parameters(), reference.parameters()):
        assert torch.allclose(p.grad, q.grad, rtol=1e-6, atol=1e-6), name
    statistics = zip(ours.buffers(), reference.buffers())
    assert all(torch.equal(a, b) for a, b in statistics)


def test_bilinear_exchange_and_all_maps_equal_the_reference():
    upsample = {'mode': 'bilinear', 'align_corners': False}
    ours, reference = pair(8, multiscale_output=True, upsample=upsample)
    images = torch.randn(1, 3, 64, 64)
    ours.eval(), reference.eval()  # MMPose's returns nothing
    found, wanted = ours(images), reference(images)
    assert len(found) == 4
    assert all(torch.equal(a, b) for a, b in zip(found, wanted))
    nearest = HRNet(8, multiscale_output=True)
    nearest.load_state_dict(reference.state_dict())
    assert not torch.equal(nearest.eval()(images)[0], wanted[0])


def test_sides_need_not_be_multiples_of_32():
    model = randomize(HRNet(**SMALL, multiscale_output=True)).eval()
    maps = model(torch.randn(1, 3, 250, 190))
    assert [tuple(x.shape[-2:]) for x in maps] == [(63, 48), (32, 24), (16, 12), (8, 6)]


def test_extra_is_taken_as_it_stands_by_keyword_and_by_position():
    extra = hrnet_extra(8)
    width_only = HRNet(8).state_dict()
    for model in (HRNet(extra=extra), HRNet(extra, in_channels=3)):
        state = model.state_dict()
        assert [(k, v.shape) for k, v in state.items()] == [
            (k, v.shape) for k, v in width_only.items()
        ]
    assert extra == hrnet_extra(8)


def test_bottlenecks_in_a_later_stage_equal_the_reference():
    extra = hrnet_extra(8)
    extra['stage2'] = stage(2, 1, 'BOTTLENECK', [2, 4])  # four times as wide outside: 8, 16
    reference = randomize(MMPoseHRNet(extra))
    ours = HRNet(extra=extra)
    ours.load_state_dict(reference.state_dict(), strict=True)
    ours.eval(), reference.eval()
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(ours(images)[0], reference(images)[0])


def test_group_norm_has_the_reference_names():
    norm = {'type': 'GN', 'num_groups': 2}
    ours = HRNet(8, norm_cfg=norm)
    reference = MMPoseHRNet(hrnet_extra(8), norm_cfg=norm)
    assert list(ours.state_dict()) == list(reference.state_dict())


def test_sync_batch_norm_can_be_asked_for():
    model = HRNet(**SMALL, norm_cfg={'type': 'SyncBN'})
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    assert norms
    assert all(isinstance(m, torch.nn.SyncBatchNorm) for m in norms)


def test_norm_eval_keeps_running_statistics():
    model = randomize(HRNet(**SMALL, norm_eval=True)).train()
    before = model.bn1.running_mean.clone()
    model(torch.randn(2, 3, 64, 64))
    assert torch.equal(model.bn1.running_mean, before)
    assert model.conv1.weight.requires_grad


@pytest.mark.parametrize('frozen_stages', [-1, 0, 1, 2, 3, 4])
def test_frozen_stages_get_no_gradient_and_keep_their_statistics(frozen_stages):
    model = randomize(HRNet(**SMALL, frozen_stages=frozen_stages)).train()
    model(torch.randn(2, 3, 64, 64))[0].sum().backward() if frozen_stages < 4 else None
    stem, *stages = [
        [model.conv1, model.bn1, model.conv2, model.bn2],
        [model.layer1, model.transition1],
        [model.stage2, model.transition2],
        [model.stage3, model.transition3],
        [model.stage4],
    ]
    for number, parts in enumerate([stem, *stages]):
        frozen = number <= frozen_stages
        for part in parts:
            assert all(p.requires_grad is not frozen for p in part.parameters())
            norms = [m for m in part.modules() if isinstance(m, _BatchNorm)]
            assert all(norm.training is not frozen for norm in norms)


def test_checkpointing_changes_no_gradient():
    plain = randomize(HRNet(**SMALL)).train()
    saving = HRNet(**SMALL, with_cp=True).train()
    saving.load_state_dict(plain.state_dict())
    images = torch.randn(2, 3, 64, 64)
    plain(images)[0].square().sum().backward()
    saving(images)[0].square().sum().backward()
    for p, q in zip(plain.parameters(), saving.parameters()):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-5, atol=1e-6)
    assert torch.equal(plain.bn2.running_mean, saving.bn2.running_mean)


def test_zero_init_residual_makes_blocks_identities():
    model = HRNet(**SMALL, zero_init_residual=True)
    model.init_weights()
    blocks = [m for m in model.modules() if isinstance(m, ResidualBlock)]
    assert blocks
    assert all(not block.last_norm.weight.any() for block in blocks)


def test_v2_hands_on_four_maps():
    model = HRNetV2(**SMALL)
    assert [x.shape[1] for x in model.eval()(torch.randn(1, 3, 64, 64))] == [8, 16, 32, 64]


@pytest.mark.parametrize(
    ('scope', 'norm_eval', 'mode'),
    [('mmdet', True, 'nearest'), ('mmpose', True, 'nearest'), ('mmseg', False, 'bilinear')],
)
def test_v2_does_what_the_host_does_where_the_config_is_silent(scope, norm_eval, mode):
    with DefaultScope.overwrite_default_scope(scope):
        silent = HRNetV2(**SMALL)
        told = HRNetV2(**SMALL, norm_eval=not norm_eval, upsample='bilinear')
    assert (silent.norm_eval, silent.upsample['mode']) == (norm_eval, mode)
    assert (told.norm_eval, told.upsample['mode']) == (not norm_eval, 'bilinear')


@pytest.mark.parametrize(
    ('scope', 'mode', 'level'),
    [
        ('mmseg', 'bilinear', logging.INFO),
        ('mmpose', 'nearest', logging.INFO),
        (None, 'nearest', logging.WARNING),
    ],
)
def test_v2_says_which_upsampling_it_chose(scope, mode, level, monkeypatch):
    lines = []
    monkeypatch.setattr(host_defaults, '_scope', lambda: scope)
    monkeypatch.setattr(
        host_defaults, 'print_log', lambda text, _, level: lines.append((text, level))
    )
    HRNetV2(**SMALL)
    ((message, found),) = lines
    assert found == level
    assert f"HRNetV2 upsamples by '{mode}'" in message
    HRNetV2(**SMALL, upsample='bilinear')
    assert len(lines) == 1


def test_pretrained_is_another_word_for_init_cfg():
    model = HRNetV2(**SMALL, pretrained='file.pth')
    assert model.init_cfg == {'type': 'Pretrained', 'checkpoint': 'file.pth'}
    with pytest.raises(ValueError, match='either pretrained or init_cfg'):
        HRNetV2(pretrained='file.pth', init_cfg={'type': 'Kaiming', 'layer': 'Conv2d'})


def test_the_small_networks_have_fewer_modules_and_blocks():
    with torch.device('meta'):
        model = HRNet(16, (1, 1, 1), num_blocks=(1, 2, 2, 2), bottleneck_width=32)
    assert len(model.layer1) == 1
    assert model.layer1[0].conv2.out_channels == 32
    for stage_, branches in ((model.stage2, 2), (model.stage3, 3), (model.stage4, 4)):
        assert len(stage_) == 1
        assert [len(branch) for branch in stage_[0].branches] == [2] * branches


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'width': 0}, 'width must be a positive integer'),
        ({'width': '32'}, "width .* got '32'"),
        ({'num_modules': (1, 4)}, 'num_modules must be three'),
        ({'num_modules': 3}, 'num_modules must be three'),
        ({'num_blocks': (4, 4, 4)}, r'num_blocks must be four .* stages 1 to 4, got \(4, 4, 4\)'),
        ({'bottleneck_width': 0}, 'bottleneck_width must be a positive integer .* got 0'),
        ({'upsample': 'cubic'}, "upsample must be one of .*'cubic'"),
        ({'frozen_stages': 5}, 'frozen_stages must be -1 to 4'),
        (
            {'extra': ['stage1']},
            'extra must be a dict with the keys stage1, stage2, stage3, stage4',
        ),
        ({'extra': {'stage1': {}}}, 'extra.stage1 lacks num_modules, .* has the keys num_modules,'),
        (
            {'extra': {**hrnet_extra(8), 'stage5': {}}},
            'extra has stage5, but an HRNet has 4 stages',
        ),
        ({'extra': {**hrnet_extra(8), 'stage3': None}}, 'extra.stage3 must be a dict'),
        ({'extra': {**hrnet_extra(8), 'stage2': stage(2, 1, 'FANCY', [8, 16])}}, 'stage2.block'),
        ({'extra': {**hrnet_extra(8), 'stage2': stage(3, 1, 'BASIC', [8] * 3)}}, 'num_branches'),
        ({'extra': {**hrnet_extra(8), 'stage2': stage(2, 1, 'BASIC', [8])}}, 'num_channels'),
        ({'extra': {**hrnet_extra(8), 'stage2': stage(2, 0, 'BASIC', [8, 16])}}, 'num_modules'),
        ({'extra': {**hrnet_extra(8), 'stage2': stage(2, '1', 'BASIC', [8, 16])}}, 'num_modules'),
        ({'extra': {**hrnet_extra(8), 'stage2': stage(2, 1, 'BASIC', ['8', 16])}}, 'num_channels'),
    ],
)
def test_a_shape_that_cannot_be_built_names_the_key(arguments, message):
    with pytest.raises(ValueError, match=message):
        HRNet(**arguments)

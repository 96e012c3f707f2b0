"""Optimized models compute what plain ones do, within stated tolerances, and refuse the rest."""

import copy
import shutil
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import HOOKS, MODELS, DefaultScope
from mmengine.runner.checkpoint import get_state_dict
from mmpose.models.backbones import HRNet as MMPoseHRNet
from mmpose.models.backbones import ResNet
from torch import nn

import hrnet_ext
from hrnet_ext import cli, precision
from hrnet_ext.acceleration import engines, optimize
from hrnet_ext.acceleration.modes import MODES, choose_mode
from hrnet_ext.acceleration.trial import EngineNetwork
from hrnet_ext.engine.run_config import set_optimize
from hrnet_ext.models import HRNet, HRNetV2
from hrnet_ext.precision import Hardware
from tests.references import SHALLOW, estimator_config, hrnet_extra, randomize, with_our_types

WIDTH = 8
CPU = torch.device('cpu')


def images(num: int = 2, size: tuple[int, int] = (128, 96)) -> torch.Tensor:
    return torch.randn(num, 3, *size, generator=torch.Generator().manual_seed(num))


def difference(found, wanted) -> float:
    """The largest, over the largest value, of two tensors or lists of them."""
    if isinstance(wanted, torch.Tensor):
        found, wanted = [found], [wanted]
    assert [x.shape for x in found] == [x.shape for x in wanted]
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, wanted))


def network(kind=HRNet, *args, **options) -> nn.Module:
    """With uneven random weights; an HRNet has several modules, but of few blocks."""
    if kind in (HRNet, HRNetV2):
        options = {'num_modules': (1, 2, 1), 'num_blocks': (1, 1, 1, 1), **options}
    made = randomize(kind(*(args or (WIDTH,)), **options))
    made.eval()
    return made


def estimator(ours: bool = True) -> nn.Module:
    config = estimator_config(WIDTH)
    with DefaultScope.overwrite_default_scope('mmpose'):
        return randomize(MODELS.build(with_our_types(config) if ours else config)).eval()


@torch.no_grad()
def both(plain: nn.Module, mode: str, given: torch.Tensor) -> tuple:
    """What a plain network and its optimized copy make of images."""
    return optimize(copy.deepcopy(plain), mode)(given), plain(given)


@pytest.mark.parametrize('size', [(128, 96), (100, 84), (64, 64), (33, 130)])
@pytest.mark.parametrize('upsample', ['nearest', 'bilinear'])
def test_maps_of_all_resolutions_are_those_of_the_plain_network(size, upsample):
    plain = network(HRNetV2, upsample=upsample)
    found, wanted = both(plain, 'fp32', images(2, size))
    assert len(found) == 4
    assert difference(found, wanted) < 1e-4


@pytest.mark.parametrize(('mode', 'tolerance'), [('fp32', 1e-4), ('bf16', 0.1)])
def test_heatmaps_are_those_of_the_plain_estimator(mode, tolerance):
    plain = estimator()
    quick = optimize(copy.deepcopy(plain), mode)
    with torch.no_grad():
        found, wanted = (model(images(), None, mode='tensor') for model in (quick, plain))
    assert found.dtype == torch.float32  # for the decoder
    assert 0 < difference(found, wanted) < tolerance


@pytest.mark.parametrize('mode', ['fp32', 'bf16'])
@pytest.mark.parametrize('multiscale', [False, True])
def test_mmpose_s_hrnet_is_taken_as_well(mode, multiscale):
    extra = hrnet_extra(WIDTH, **SHALLOW, multiscale_output=multiscale)
    plain = network(MMPoseHRNet, extra)
    found, wanted = both(plain, mode, images())
    assert difference(found, wanted) < (1e-4 if mode == 'fp32' else 0.1)
    assert isinstance(optimize(plain, mode), EngineNetwork)


def test_mmpose_s_estimator_keeps_everything_but_its_backbone():
    plain = estimator(ours=False)
    quick = optimize(copy.deepcopy(plain))
    assert type(quick) is type(plain)
    assert type(quick.head) is type(plain.head)
    with torch.no_grad():
        found, wanted = (model(images(), None, mode='tensor') for model in (quick, plain))
    assert difference(found, wanted) < 1e-4


@pytest.mark.parametrize(
    ('kind', 'arguments', 'options'),
    [
        (ResNet, (18,), {}),
        (HRNet, (WIDTH,), {'norm_cfg': {'type': 'GN', 'num_groups': 2}}),  # cannot be folded
        (HRNet, (WIDTH,), {'in_channels': 1}),
    ],
)
@pytest.mark.parametrize('mode', ['fp32', 'bf16'])
def test_other_networks_get_what_is_general(kind, arguments, options, mode):
    plain = network(kind, *arguments, **options)
    given = images()[:, : options.get('in_channels', 3)]
    with torch.no_grad():
        wanted = plain(given)
        found = optimize(plain, mode)(given)
    assert difference(found, wanted) < (1e-4 if mode == 'fp32' else 0.1)
    assert all(x.dtype == torch.float32 for x in found)


class _Foreign(nn.Module):
    """Whose norm does not follow the convolution that is made before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        return (self.conv(x).relu() + self.norm(self.conv(x)),)


def test_what_cannot_be_optimized_runs_as_it_is_and_says_so(mmengine_log):
    plain = randomize(_Foreign()).eval()
    given = images()
    with torch.no_grad():
        wanted = plain(given)
        found = optimize(plain)(given)
    assert torch.equal(found[0], wanted[0])
    assert '_Foreign runs as it is, not optimized: its maps change' in mmengine_log.text


def test_what_runs_as_it_is_can_still_be_trained_and_saved():
    """In a model, too, whose other parts might have been prepared."""
    plain = nn.ModuleDict({'backbone': randomize(_Foreign())})
    plain.backbone = plain['backbone']
    found = optimize(plain)
    assert found is plain
    found.train()
    found.backbone(images())[0].sum().backward()
    assert found.backbone.conv.weight.grad is not None
    found.load_state_dict(found.state_dict())
    assert optimize(found) is found  # not optimized before


@pytest.mark.parametrize('num', [1, 3, 4, 11])
def test_large_batches_go_through_in_parts_that_fit_the_cache(num, monkeypatch):
    plain = network()
    quick = optimize(copy.deepcopy(plain))
    sizes = []
    quick.run.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    monkeypatch.setattr(engines, 'CACHED_BYTES', 4 * images(1).nbytes)
    with torch.no_grad():
        found, wanted = quick(images(num)), plain(images(num))
    assert difference(found, wanted) < 1e-4
    assert max(sizes) <= 4
    assert len(sizes) == -(-num // 4)


def test_compiled_networks_meet_powers_of_two_only():
    sizes = []

    def run(part):
        sizes.append(len(part))
        return [2 * part]

    quick = engines.BucketedNetwork(run, torch.float32)
    for num in (1, 2, 3, 5, 70):
        given = images(num, (6, 4))
        assert torch.equal(quick(given)[0], 2 * given)
    assert sizes == [1, 2, 4, 8, 64, 8]


def test_without_a_compiler_networks_run_uncompiled_with_one_warning(monkeypatch, mmengine_log):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    plain = network(ResNet, 18)
    with torch.no_grad():
        found, wanted = optimize(plain, 'fp32+compile')(images()), plain(images())
    assert difference(found, wanted) < 1e-4
    warnings = [record for record in mmengine_log.records if record.levelname == 'WARNING']
    assert len(warnings) == 1
    assert 'no C++ compiler `no-such-compiler`: install one' in warnings[0].message


class _Small(nn.Module):
    """A convolution and its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        return (self.norm(self.conv(x)).relu(),)


@pytest.mark.exhaustive
@pytest.mark.skipif(not shutil.which('g++'), reason='PyTorch compiles by a C++ compiler')
def test_other_networks_are_compiled_for_each_bucket():
    plain = randomize(_Small()).eval()
    quick = optimize(plain, 'fp32+compile')
    with torch.no_grad():
        for num in (1, 3, 4):
            assert difference(quick(images(num)), plain(images(num))) < 1e-4


def test_an_empty_batch_gives_empty_maps():
    quick = optimize(network())
    assert quick(images(0)).__class__ is tuple
    assert quick(images(0))[0].shape == (0, WIDTH, 32, 24)


def test_copies_compute_the_same_and_are_guarded_too():
    quick = copy.deepcopy(optimize(estimator()))
    assert quick.eval() is quick
    with pytest.raises(ValueError, match='neither be trained'):
        quick.train()


@pytest.mark.parametrize(
    'use',
    [
        lambda model: model.train(),
        lambda model: model.state_dict(),
        lambda model: get_state_dict(model),  # MMEngine saves by it
        lambda model: model.load_state_dict({}),
    ],
)
def test_optimized_models_are_neither_trained_nor_saved_nor_loaded(use):
    with pytest.raises(ValueError, match='can neither be trained nor saved nor take other weights'):
        use(optimize(estimator()))


def test_off_leaves_the_model_as_it_is():
    plain = estimator()
    before = copy.deepcopy(plain.state_dict())
    assert optimize(plain, 'off') is plain
    assert optimize(plain, False) is plain
    plain.train()
    assert all(torch.equal(value, before[name]) for name, value in plain.state_dict().items())


@pytest.mark.parametrize(
    ('mode', 'message'),
    [
        ('int4', "should be one of off, auto, fp32, .*, but is 'int4'"),
        ('bf16+', 'should be one of'),
        (None, 'should be one of'),
        ('fp16', 'fp16 needs a GPU; on this CPU take'),
    ],
)
def test_modes_that_cannot_be_are_refused_by_name(mode, message):
    with pytest.raises(ValueError, match=message):
        optimize(estimator(), mode)


def test_a_model_is_optimized_once():
    with pytest.raises(ValueError, match='was optimized before'):
        optimize(optimize(estimator()))
    with pytest.raises(ValueError, match='has no weights, or was optimized before'):
        optimize(optimize(network()))


@pytest.mark.parametrize('has_vnni', [True, False])
@pytest.mark.parametrize('has_bf16', [True, False])
def test_modes_go_by_the_device(monkeypatch, mmengine_log, has_bf16, has_vnni):
    best = 'bf16' if has_bf16 else 'fp32'
    monkeypatch.setattr(precision, 'probe', lambda device: Hardware('cpu', has_bf16))
    monkeypatch.setattr(precision, '_cpu_capabilities', lambda: {'avx512_vnni': has_vnni})
    assert choose_mode('auto', CPU).dtype is precision.FORMATS[best]
    leads_to_int8 = 'tools/export.py CONFIG CHECKPOINT' in mmengine_log.text
    assert leads_to_int8 == (has_vnni and not has_bf16)
    assert choose_mode('bf16', CPU).dtype is torch.bfloat16
    warning = 'that PyTorch uses: emulated bf16 takes 2.3 times as long as fp32'
    assert (warning in mmengine_log.text) == (not has_bf16)
    with pytest.raises(ValueError, match=rf'^fp16 needs a GPU; on this CPU take {best}$'):
        choose_mode('fp16', CPU)
    with pytest.raises(ValueError, match=rf'fp16\+compile needs .* take {best}\+compile$'):
        choose_mode('fp16+compile', CPU)


def test_gpus_that_emulate_bf16_take_fp16(monkeypatch, mmengine_log):
    monkeypatch.setattr(precision, 'probe', lambda device: Hardware('cuda', False, (7, 5)))
    device = torch.device('cuda')
    assert choose_mode('auto', device).dtype is torch.float16
    assert choose_mode('bf16', device).dtype is torch.bfloat16
    assert 'emulated bf16 is slower than fp16' in mmengine_log.text


def test_the_hook_tests_with_a_copy_and_gives_the_model_back():
    runner = SimpleNamespace(model=estimator())
    plain = runner.model
    hook = HOOKS.build({'type': 'hrnet_ext.OptimizeHook', 'mode': 'bf16'})
    hook.before_test_epoch(runner)
    assert runner.model.backbone.dtype is torch.bfloat16
    hook.after_test_epoch(runner)
    assert runner.model is plain
    plain.train()
    assert isinstance(plain.backbone, HRNet)


def test_the_hook_refuses_an_unknown_mode_before_anything_runs():
    with pytest.raises(ValueError, match="but is 'half'"):
        HOOKS.build({'type': 'hrnet_ext.OptimizeHook', 'mode': 'half'})


def test_the_command_line_s_mode_replaces_the_config_s():
    other = {'type': 'SyncBuffersHook'}
    cfg = Config({'custom_hooks': [other, {'type': 'hrnet_ext.OptimizeHook', 'mode': 'fp32'}]})
    set_optimize(cfg, 'bf16')
    assert cfg.custom_hooks == [other, {'type': 'hrnet_ext.OptimizeHook', 'mode': 'bf16'}]


def test_the_tools_offer_the_modes_that_there_are():
    assert set(cli.MODES) == set(MODES)
    assert hrnet_ext.optimize is optimize

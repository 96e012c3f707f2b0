"""--amp, --channels-last and --compile become config keys, or one clear error."""

import argparse

import pytest
from mmengine.config import Config

from hrnet_ext.engine import run_config
from hrnet_ext.engine.training_options import set_speed


@pytest.fixture
def config():
    return run_config.read_config('hrnet_w32_coco', [])


def flags(*given):
    names = ('amp', 'channels_last', 'compile')
    return argparse.Namespace(**{name: name in given for name in names})


def test_without_flags_a_config_stays_as_it_is(config):
    before = Config(config.to_dict())
    set_speed(config, flags())
    assert config.to_dict() == before.to_dict()


def test_all_flags_go_together(config):
    set_speed(config, flags('amp', 'channels_last', 'compile'))
    assert config.optim_wrapper.type == 'hrnet_ext.AmpOptimWrapper'
    assert config.optim_wrapper.optimizer.type == 'Adam'
    assert config.model.channels_last is True
    assert config.model.compile is True


def test_mmengines_key_is_taken_over_with_its_options(config):
    config.compile = {'mode': 'max-autotune'}
    set_speed(config, flags())
    assert config.model.compile == {'mode': 'max-autotune'}
    assert not config.compile  # or MMEngine would compile the whole step besides


def test_other_models_keep_mmengines_key():
    config = Config({'model': {'type': 'mmdet.RTMDet'}, 'compile': True})
    set_speed(config, flags())
    assert config.compile is True
    assert 'compile' not in config.model


@pytest.mark.parametrize('flag', ['channels_last', 'compile'])
def test_other_models_are_named(config, flag):
    option = flag.replace('_', '-')
    config.model.type = 'mmdet.RTMDet'
    with pytest.raises(ValueError, match=f'--{option} needs a hrnet_ext.*but model.type is mmdet'):
        set_speed(config, flags(flag))
    config.model.type = 'TopdownPoseEstimator'
    with pytest.raises(ValueError, match=r'set model.type=hrnet_ext.TopdownPoseEstimator'):
        set_speed(config, flags(flag))


def test_an_optimizer_wrapper_of_another_kind_is_named(config):
    config.optim_wrapper.type = 'DeepSpeedOptimWrapper'
    with pytest.raises(ValueError, match=r'cannot replace optim_wrapper.type=DeepSpeed'):
        set_speed(config, flags('amp'))

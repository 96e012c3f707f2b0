"""The hosts' models train and infer with our backbone, nothing in their configs changed but a type.

One config for every set of classes around the backbone; ``-m exhaustive`` takes a step with each.
"""

import pytest
import torch
from mmengine.config import Config, ConfigDict
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
from tests.host_step import take_a_step

LEAST = {'mmpose': 9, 'mmdet': 6, 'mmseg': 2}
pytestmark = pytest.mark.filterwarnings('ignore')  # the hosts', about their own code
each_host = pytest.mark.parametrize('host', TYPES)


def try_config(host: str, name: str) -> None:
    """Put our backbone into a shipped config, train it one step, infer once."""
    config = Config.fromfile(config_folder(host) / name, import_custom_modules=False)
    config.model = with_our_type(config.model, host)
    config.default_scope = host
    try:
        take_a_step(config)
    except Exception as error:
        raise AssertionError(f'{name}: {error!r}') from error


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


@pytest.mark.exhaustive
@each_host
def test_every_shipped_config_trains_a_step_and_infers(host, capsys):
    names = list(hrnet_configs(host))
    for name in names:
        try_config(host, name)
    with capsys.disabled():
        print(f'\n{NAMES[host]}: {len(names)} of {len(names)} configs trained a step and inferred')

"""In every HRNet config that the hosts ship, our backbone gives the host's features."""

import pytest
import torch
from mmengine.registry import DefaultScope

from tests.host_configs import (
    NAMES,
    TYPES,
    group_by_backbone,
    hrnet_configs,
    typed_parts,
    with_our_type,
)
from tests.references import randomize

# What mmpose 1.3.2, mmdet 3.3.0 and mmsegmentation 1.2.2 ship; another release may have more.
LEAST = {'mmpose': (87, 5), 'mmdet': (29, 3), 'mmseg': (66, 3)}
each_host = pytest.mark.parametrize('host', TYPES)


def build(config: dict, host: str) -> torch.nn.Module:
    """Built as a run of that host builds it, without the time for random numbers."""
    registry = pytest.importorskip(f'{host}.registry')
    with DefaultScope.overwrite_default_scope(host), torch.device('meta'):
        model = registry.MODELS.build(config)
    return model.to_empty(device='cpu')


def pair(backbone: dict, host: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Ours, with nothing changed but the type, and the host's, with equal weights."""
    theirs = build(backbone, host)
    for buffer in theirs.buffers():
        buffer.zero_()  # counters, which randomize leaves alone
    randomize(theirs)
    ours = build(with_our_type(backbone, host), host)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    return ours, theirs


def images(height: int, width: int, number: int = 1) -> torch.Tensor:
    return torch.randn(number, 3, height, width, generator=torch.Generator().manual_seed(0))


@each_host
def test_features_of_every_shipped_config_are_equal(host, capsys):
    models = hrnet_configs(host)
    groups = group_by_backbone(models)
    equal = []
    for backbone, names in groups:
        ours, theirs = pair(backbone, host)
        ours.eval(), theirs.eval()
        with torch.no_grad():
            found, wanted = ours(images(64, 96)), theirs(images(64, 96))
        assert len(found) == len(wanted), names
        assert all(torch.equal(a, b) for a, b in zip(found, wanted)), names
        assert wanted[0].std() > 1e-3, names  # a dead network would be equal too
        equal += names
    with capsys.disabled():
        print(
            f'\n{NAMES[host]}: {len(equal)} of {len(models)} HRNet configs, '
            f'{len(groups)} different backbones: features equal'
        )
    assert (len(models), len(groups)) >= LEAST[host]


@each_host
def test_the_backbone_is_the_only_hrnet_of_a_config(host):
    for name, model in hrnet_configs(host).items():
        assert [part['type'] for part in typed_parts(model)].count('HRNet') == 1, name
        assert model['backbone']['type'] == 'HRNet', name


@each_host
def test_training_gives_equal_gradients_and_statistics(host):
    backbone, _ = group_by_backbone(hrnet_configs(host))[0]
    ours, theirs = pair(backbone, host)
    ours.train(), theirs.train()
    assert ours.norm_eval == theirs.norm_eval
    for model in (ours, theirs):
        sum(feature.square().mean() for feature in model(images(64, 64, 2))).backward()
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters()):
        assert torch.allclose(p.grad, q.grad, rtol=1e-6, atol=1e-8), name
    assert all(torch.equal(a, b) for a, b in zip(ours.buffers(), theirs.buffers()))


def test_sides_that_are_no_multiple_of_32_equal_mmsegmentations():
    backbone, _ = group_by_backbone(hrnet_configs('mmseg'))[0]
    ours, theirs = pair(backbone, 'mmseg')
    ours.eval(), theirs.eval()
    with torch.no_grad():
        found, wanted = ours(images(75, 101)), theirs(images(75, 101))
    assert all(torch.equal(a, b) for a, b in zip(found, wanted))

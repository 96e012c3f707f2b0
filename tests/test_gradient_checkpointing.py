"""Recomputing blocks changes no number, counts no batch twice, and keeps less."""

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from hrnet_ext.models import HRNet
from hrnet_ext.models.layers import statistics_kept
from tests.references import randomize

SMALL = {'width': 8, 'num_modules': (1, 1, 1)}


def pair(**options):
    """The same network, without and with recomputation."""
    plain = randomize(HRNet(**SMALL, **options))
    saving = HRNet(**SMALL, **options, with_cp=True)
    saving.load_state_dict(plain.state_dict())
    return plain.train(), saving.train()


def step(model, images, *, half=False):
    with torch.autocast('cpu', torch.bfloat16, enabled=half):
        loss = model(images)[0].float().square().sum()
    loss.backward()


@pytest.mark.parametrize(
    ('options', 'half'),
    [
        ({}, False),
        ({}, True),
        ({'norm_eval': True}, False),
        ({'norm_cfg': {'type': 'BN', 'momentum': None}}, False),  # statistics are plain means
        ({'norm_cfg': {'type': 'GN', 'num_groups': 4}}, False),
        ({'frozen_stages': 2}, False),
    ],
    ids=['batch norm', 'bf16', 'fixed statistics', 'cumulative', 'group norm', 'frozen'],
)
def test_gradients_and_statistics_are_the_same_to_the_last_bit(options, half):
    plain, saving = pair(**options)
    for seed in range(2):
        images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
        for model in (plain, saving):
            step(model, images, half=half)
    for (name, a), b in zip(plain.state_dict().items(), saving.state_dict().values()):
        assert torch.equal(a, b), name
    for p, q in zip(plain.parameters(), saving.parameters()):
        assert (p.grad is None and q.grad is None) or torch.equal(p.grad, q.grad)
    if not options:
        assert plain.bn2.num_batches_tracked == 2
        assert saving.state_dict()['layer1.0.bn1.num_batches_tracked'] == 2


def test_less_is_kept_for_the_backward_pass():
    images = torch.randn(2, 3, 64, 64)
    kept = []
    for model in pair():
        storages = {}

        def note(tensor, storages=storages):
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with saved_tensors_hooks(note, lambda tensor: tensor):
            model(images)
        weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
        kept.append(sum(size for key, size in storages.items() if key not in weights))
    plain, saving = kept
    assert saving < 0.6 * plain


def test_statistics_are_restored_after_an_error():
    norm = nn.BatchNorm2d(3, momentum=0.3).train()
    images, count = torch.randn(4, 3, 8, 8) + 5, norm.num_batches_tracked
    with pytest.raises(ValueError, match='4D input'), statistics_kept(norm):
        norm(norm(images)[0])
    assert norm.momentum == 0.3
    assert norm.num_batches_tracked is count
    assert torch.equal(norm.running_mean, torch.zeros(3))
    norm(images)
    assert norm.num_batches_tracked == 1
    assert norm.running_mean.min() > 1

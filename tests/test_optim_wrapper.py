"""Fused optimizers do the steps of the plain ones, and resume each other."""

import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from hrnet_ext.engine import AmpOptimWrapper, OptimWrapper
from tests.references import randomize

ADAM = {'type': 'Adam', 'lr': 1e-2}


def network() -> nn.Module:
    return randomize(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)))


def wrapper(model, optimizer=ADAM, **options):
    config = {'type': 'hrnet_ext.OptimWrapper', 'optimizer': dict(optimizer), **options}
    return build_optim_wrapper(model, config)


def train(model, optim, steps=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        x = torch.randn(32, 8, generator=generator)
        optim.update_params(model(x).square().mean())
    return model


def is_fused(optim) -> bool:
    return all(group['fused'] for group in optim.optimizer.param_groups)


@pytest.mark.parametrize(
    'optimizer',
    [ADAM, {'type': 'AdamW', 'lr': 1e-2}, {'type': 'SGD', 'lr': 0.1, 'momentum': 0.9}],
    ids=lambda optimizer: optimizer['type'],
)
def test_fused_is_the_default_and_takes_the_plain_ones_steps(optimizer):
    plain, quick = network(), network()
    unfused, fused = wrapper(plain, optimizer, fused=False), wrapper(quick, optimizer)
    assert is_fused(fused)
    assert not is_fused(unfused)
    train(plain, unfused), train(quick, fused)
    for ours, theirs in zip(quick.parameters(), plain.parameters()):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert not torch.equal(next(quick.parameters()), next(network().parameters()))


@pytest.mark.parametrize('choice', [{'foreach': True}, {'fused': False}, {'foreach': False}])
def test_an_optimizers_own_choice_is_respected(choice):
    assert not is_fused(wrapper(network(), {**ADAM, **choice}))


def test_an_optimizer_without_such_a_kernel_stays_plain_and_asked_for_is_refused():
    rms = {'type': 'RMSprop', 'lr': 0.1}
    assert isinstance(wrapper(network(), rms), OptimWrapper)
    with pytest.raises(ValueError, match='no fused RMSprop on cpu; leave it out'):
        wrapper(network(), rms, fused=True)


def test_amp_takes_the_same_option():
    model = network()
    for fused in (None, True, False):
        optim = wrapper(model, type='hrnet_ext.AmpOptimWrapper', fused=fused)
        assert isinstance(optim, AmpOptimWrapper)
        assert is_fused(optim) == (fused is not False)


@pytest.mark.parametrize(('first', 'then'), [(False, None), (None, False), (None, None)])
def test_either_resumes_the_other_and_keeps_its_kernels(first, then):
    model = network()
    optim = wrapper(model, fused=first)
    train(model, optim, 3)
    state = copy.deepcopy(optim.state_dict())
    other = copy.deepcopy(model)
    train(model, optim, 3, seed=1)
    resumed = wrapper(other, fused=then)
    resumed.load_state_dict(state)
    assert is_fused(resumed) == (then is None)
    train(other, resumed, 3, seed=1)
    for ours, theirs in zip(other.parameters(), model.parameters()):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_state_of_other_groups_is_refused_as_torch_does():
    model = network()
    state = wrapper(model).state_dict()
    groups = [{'params': [p]} for p in model.parameters()]
    optim = OptimWrapper(torch.optim.Adam(groups, lr=0.1))
    with pytest.raises(ValueError, match='different number of parameter groups'):
        optim.load_state_dict(state)


def test_clipping_is_that_of_mmengine():
    ours, theirs = network(), network()
    clip = {'clip_grad': {'max_norm': 1e-3}}
    train(ours, wrapper(ours, {'type': 'SGD', 'lr': 0.1}, fused=False, **clip))
    train(theirs, wrapper(theirs, {'type': 'SGD', 'lr': 0.1}, type='OptimWrapper', **clip))
    for a, b in zip(ours.parameters(), theirs.parameters()):
        assert torch.equal(a, b)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_a_scaled_step_on_a_gpu_waits_for_nothing():
    model = network().cuda()
    optim = wrapper(model, type='hrnet_ext.AmpOptimWrapper', dtype='float16')
    x = torch.randn(4, 8, device='cuda')

    def step():
        with optim.optim_context(model):
            loss = model(x).float().square().mean()
        optim.update_params(loss)

    step()
    torch.cuda.set_sync_debug_mode('error')
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode('default')

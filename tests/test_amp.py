"""Mixed precision in the format that suits the device; loss scaling for fp16 alone."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from hrnet_ext import precision
from hrnet_ext.engine import AmpOptimWrapper
from hrnet_ext.precision import Choice, Hardware, choose

NATIVE = choose(Hardware('cpu', has_bf16=True))
WITHOUT = choose(Hardware('cpu'))
SCALED = Choice('fp16', 'fp16', True, 'as if it were a T4')
CHOICES = {'bf16': NATIVE, 'fp32': WITHOUT, 'fp16': SCALED}
TYPES = precision.FORMATS


class Line(nn.Module):
    """y = w x, remembering the type it computed in."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x):
        y = self.layer(x)
        self.computed_in = y.dtype
        return y.float().square().mean()


def wrapper(model, **options):
    """Built from a config, as a runner does; MMEngine's own asserts that there is a GPU."""
    return build_optim_wrapper(
        model,
        {
            'type': 'hrnet_ext.AmpOptimWrapper',
            'optimizer': {'type': 'SGD', 'lr': 0.1, 'momentum': 0.9},
            **options,
        },
    )


def step(model, optim, x=None):
    with optim.optim_context(model):
        loss = model(torch.ones(2, 4) if x is None else x)
    optim.update_params(loss)


@pytest.fixture
def on(monkeypatch):
    """Makes the CPU one that is best at a format: the test machine's does not count."""

    def set_choice(choice):
        for module in ('hrnet_ext.engine.amp', 'hrnet_ext.precision'):
            monkeypatch.setattr(f'{module}.choice_for', lambda device: choice)

    set_choice(NATIVE)
    return set_choice


@pytest.mark.parametrize(
    ('dtype', 'choice', 'computed_in', 'said'),
    [
        ('auto', NATIVE, 'bf16', 'training in bf16: this CPU multiplies bf16 in hardware'),
        (None, NATIVE, 'bf16', 'training in bf16'),
        ('auto', WITHOUT, 'fp32', 'training in fp32: this CPU has no bf16 instructions'),
        ('bfloat16', NATIVE, 'bf16', ''),
        (torch.bfloat16, NATIVE, 'bf16', ''),
        ('bfloat16', WITHOUT, 'bf16', 'emulated bf16 takes 2.3 times as long as fp32'),
        ('float32', NATIVE, 'fp32', ''),
        ('float16', NATIVE, 'bf16', 'float16 needs a GPU; training in bf16'),
        ('float16', WITHOUT, 'fp32', 'float16 needs a GPU; training in fp32: this CPU has no bf16'),
    ],
)
def test_a_cpu_computes_in_its_format_and_updates_fp32_weights(
    on, mmengine_log, dtype, choice, computed_in, said
):
    on(choice)
    model = Line()
    optim = wrapper(model, **({} if dtype is None else {'dtype': dtype}))
    before = model.layer.weight.detach().clone()
    step(model, optim)
    assert model.computed_in is TYPES[computed_in]
    assert model.layer.weight.dtype is torch.float32
    assert not torch.equal(model.layer.weight, before)
    assert not optim.loss_scaler.is_enabled()
    messages = [record.getMessage() for record in mmengine_log.records]
    assert len(messages) == bool(said)
    assert said in ''.join(messages)


@pytest.mark.parametrize('format', ['bf16', 'fp32'])
def test_steps_are_those_of_plain_autocast(on, format):
    on(CHOICES[format])
    torch.manual_seed(0)
    model, plain = Line(), Line()
    plain.load_state_dict(model.state_dict())
    optim = wrapper(model)
    sgd = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, fused=True)
    for _ in range(3):
        x = torch.rand(8, 4)
        step(model, optim, x)
        with torch.autocast('cpu', torch.bfloat16, enabled=format == 'bf16'):
            plain_loss = plain(x)
        sgd.zero_grad()
        plain_loss.backward()
        sgd.step()
    assert torch.equal(model.layer.weight, plain.layer.weight)


def test_gradient_clipping_sees_unscaled_gradients(on):
    model = Line()
    optim = wrapper(model, clip_grad={'max_norm': 1e-3})
    before = model.layer.weight.detach().clone()
    optim.update_params(model(torch.full((2, 4), 100.0)))
    assert (model.layer.weight - before).norm() <= 0.1 * 1e-3 * 1.01


@pytest.mark.parametrize(
    ('loss_scale', 'scale'), [('dynamic', 65536.0), (128.0, 128.0), ({'init_scale': 8.0}, 8.0)]
)
def test_fp16_is_scaled_as_it_is_asked_to_be(on, loss_scale, scale):
    on(SCALED)
    model, plain = Line(), Line()
    plain.load_state_dict(model.state_dict())
    optim = wrapper(model, loss_scale=loss_scale)
    step(model, optim)
    step(plain, wrapper(plain, dtype='float32'))
    assert model.computed_in is torch.float16
    assert optim.loss_scaler.get_scale() == scale
    torch.testing.assert_close(model.layer.weight, plain.layer.weight, rtol=0, atol=2e-3)
    with pytest.raises(ValueError, match=r"loss_scale should be 'dynamic'.*but is 'dynamo'"):
        wrapper(model, loss_scale='dynamo')


@pytest.mark.parametrize('before', CHOICES)
@pytest.mark.parametrize('after', CHOICES)
def test_states_of_all_formats_resume_each_other(on, before, after):
    on(CHOICES[before])
    model = Line()
    optim = wrapper(model)
    step(model, optim)
    state = optim.state_dict()
    on(CHOICES[after])
    other = wrapper(model)
    other.load_state_dict({**state})
    momentum = [each['momentum_buffer'] for each in other.optimizer.state_dict()['state'].values()]
    assert len(momentum) == 2  # weight and bias
    assert torch.equal(momentum[0], state['state'][0]['momentum_buffer'])
    assert other.loss_scaler.is_enabled() == (after == 'fp16')
    step(model, other)
    assert model.computed_in is TYPES[after]
    assert model.layer.weight.isfinite().all()


def test_other_types_are_refused(on):
    with pytest.raises(ValueError, match='auto, float32, bfloat16, float16, but is float64'):
        wrapper(Line(), dtype='float64')


def test_every_autocast_device_of_ours_is_pytorchs():
    """MMEngine's autocast knows neither fp16 on a CPU nor MPS at all."""
    for device in ('cpu', 'cuda', 'mps'):
        assert torch.amp.is_autocast_available(device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('dtype', ['auto', 'float16', 'bfloat16'])
def test_a_gpu_scales_fp16_alone(dtype):
    model = Line().cuda()
    optim = AmpOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), dtype=dtype)
    step(model, optim, torch.ones(2, 4, device='cuda'))
    assert optim.loss_scaler.is_enabled() == (model.computed_in is torch.float16)

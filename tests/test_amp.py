"""Mixed precision: bf16 on a CPU, loss scaling for fp16 alone."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from hrnet_ext.engine import AmpOptimWrapper


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


@pytest.fixture
def on_cpu(monkeypatch):
    """As if there were no GPU."""
    monkeypatch.setattr('hrnet_ext.engine.amp.get_device', lambda: 'cpu')


@pytest.mark.skipif(torch.cuda.is_available(), reason='autocast would be on the GPU')
@pytest.mark.parametrize('dtype', [None, 'bfloat16', 'float16', torch.bfloat16])
def test_a_cpu_computes_in_bf16_and_updates_fp32_weights(dtype):
    model = Line()
    optim = wrapper(model, dtype=dtype)
    before = model.layer.weight.detach().clone()
    with optim.optim_context(model):
        loss = model(torch.ones(2, 4))
    optim.update_params(loss)
    assert model.computed_in is torch.bfloat16
    assert model.layer.weight.dtype is torch.float32
    assert not torch.equal(model.layer.weight, before)


@pytest.mark.skipif(torch.cuda.is_available(), reason='autocast would be on the GPU')
def test_bf16_steps_are_those_of_plain_autocast(on_cpu):
    torch.manual_seed(0)
    model, plain = Line(), Line()
    plain.load_state_dict(model.state_dict())
    optim = wrapper(model)
    sgd = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, fused=True)
    for _ in range(3):
        x = torch.rand(8, 4)
        with optim.optim_context(model):
            loss = model(x)
        optim.update_params(loss)
        with torch.autocast('cpu', torch.bfloat16):
            plain_loss = plain(x)
        sgd.zero_grad()
        plain_loss.backward()
        sgd.step()
    assert torch.equal(model.layer.weight, plain.layer.weight)


def test_bf16_is_not_scaled(on_cpu):
    optim = AmpOptimWrapper(optimizer=torch.optim.SGD(Line().parameters(), lr=0.1))
    assert not optim.loss_scaler.is_enabled()
    assert optim.loss_scaler.scale(torch.tensor(2.0)) == 2.0


def test_gradient_clipping_sees_unscaled_gradients(on_cpu):
    model = Line()
    optim = wrapper(model, clip_grad={'max_norm': 1e-3})
    before = model.layer.weight.detach().clone()
    optim.update_params(model(torch.full((2, 4), 100.0)))
    assert (model.layer.weight - before).norm() <= 0.1 * 1e-3 * 1.01


def test_its_state_resumes_and_a_scaled_runs_state_does_too(on_cpu):
    model = Line()
    optim = wrapper(model)
    optim.update_params(model(torch.ones(2, 4)))
    state = optim.state_dict()
    other = wrapper(model)
    other.load_state_dict({**state})
    assert other.optimizer.state_dict()['state'].keys() == state['state'].keys()
    assert len(state['state']) == 2  # momentum of weight and bias
    other.load_state_dict({**optim.state_dict(), 'loss_scaler': {'scale': 65536.0}})


def test_other_types_are_refused(on_cpu):
    with pytest.raises(ValueError, match='float16 or bfloat16, but is float64'):
        wrapper(Line(), dtype='float64')


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize(
    ('dtype', 'scaled'), [(None, True), ('float16', True), ('bfloat16', False)]
)
def test_a_gpu_scales_fp16_alone(dtype, scaled):
    model = Line().cuda()
    optim = wrapper(model, dtype=dtype)
    with optim.optim_context(model):
        loss = model(torch.ones(2, 4, device='cuda'))
    optim.update_params(loss)
    assert optim.loss_scaler.is_enabled() == scaled
    assert model.computed_in is (torch.float16 if scaled else torch.bfloat16)

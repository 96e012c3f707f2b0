"""Training and prediction on fake CUDA tensors: one device, and no wait without a reason."""

from __future__ import annotations

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch import nn
from torch._subclasses.fake_tensor import DynamicOutputShapeException

from hrnet_ext.acceleration import optimize
from hrnet_ext.codecs import msra
from hrnet_ext.engine.amp import AmpOptimWrapper
from hrnet_ext.engine.optim_wrapper import OptimWrapper
from tests.export_cases import QUARTER, WIDTH, small_extra
from tests.fake_cuda import fake_cuda
from tests.references import estimator_config, with_our_types
from tests.test_no_waiting import LABELS, PREPROCESSOR, people

NUM_PEOPLE = 4
INPUTS = 'mmengine.model.base_model.data_preprocessor:cast_data'
TARGETS = 'hrnet_ext.models.sample_batch:<lambda>'
BATCH = {INPUTS: 1, TARGETS: LABELS}  # one copy for each kind, of as many people as there are
ANSWER = {'hrnet_ext.models.heatmap_head:decode': 1}  # what a prediction is for
TRIAL = {'hrnet_ext.acceleration.preparing:passed': 1}  # is the folded network right? asked once
FORMATS = {'fp32': torch.float32, 'float16': torch.float16, 'bfloat16': torch.bfloat16}
HALF = {torch.float16, torch.bfloat16}
MODES = {'off': 'fp32', 'fp32': 'fp32', 'bf16': 'bfloat16', 'fp16': 'float16', 'auto': 'half'}
each_codec = pytest.mark.parametrize('codec', [QUARTER, {'unbiased': True}], ids=['plain', 'dark'])


def build(codec: dict, *, with_cp: bool = False, **options) -> nn.Module:
    """A small estimator on the CPU, its batches prepared as in the shipped configs."""
    config = {**with_our_types(estimator_config(WIDTH)), **options}
    config['backbone'] = {'type': 'hrnet_ext.HRNet', 'extra': small_extra(), 'with_cp': with_cp}
    config['head']['decoder'].update(codec)
    config['data_preprocessor'] = PREPROCESSOR
    with DefaultScope.overwrite_default_scope('mmpose'):
        return MODELS.build(config)


@each_codec
@pytest.mark.parametrize('dtype', FORMATS)
@pytest.mark.parametrize('options', [{}, {'channels_last': True, 'with_cp': True}], ids=str)
def test_a_training_step_brings_the_batch_and_reads_nothing(codec, dtype, options):
    model, data = build(codec, **options).train(), people(NUM_PEOPLE)
    with fake_cuda() as crossings:
        model.to('cuda')
        adam = torch.optim.Adam(model.parameters())
        wrapper = OptimWrapper(adam) if dtype == 'fp32' else AmpOptimWrapper(adam, dtype=dtype)
        model.train_step(data, wrapper)  # tables and the loss scale are copied once
        crossings.clear()
        model.train_step(data, wrapper)
    assert crossings.to_host == {}
    assert crossings.to_device == BATCH
    assert crossings.convolved_in == {FORMATS[dtype]}
    moments = [adam.state[weight]['exp_avg'] for weight in model.parameters()]
    assert all(moment.is_cuda for moment in moments)  # all weights got gradients


@each_codec
@pytest.mark.parametrize('mode', MODES)
def test_a_prediction_waits_once(codec, mode):
    model, data = build(codec).eval(), people(NUM_PEOPLE)
    with fake_cuda() as crossings, torch.no_grad():
        model.to('cuda')
        crossings.clear()
        model = optimize(model, mode)
        assert crossings.to_host == (TRIAL if mode != 'off' else {})
        model.test_step(data)
        crossings.clear()
        model.test_step(data)
    assert crossings.to_host == ANSWER
    assert crossings.to_device == BATCH
    backbone_in = crossings.convolved_in - {torch.float32} or {torch.float32}
    wanted = MODES[mode]
    assert backbone_in <= ({FORMATS[wanted]} if wanted in FORMATS else HALF)


@each_codec
def test_a_device_without_float64_gets_none(codec, monkeypatch):
    monkeypatch.setattr(msra, 'WITHOUT_FLOAT64', ('cuda',))  # as Apple's MPS, which cannot be faked
    model, data = build(codec), people(NUM_PEOPLE)
    with fake_cuda() as crossings:
        model.to('cuda')
        wrapper = OptimWrapper(torch.optim.Adam(model.parameters()))
        model.train().train_step(data, wrapper)
        model.eval().test_step(data)
        with torch.no_grad():
            optimize(model, 'fp32').test_step(data)
    assert torch.float32 in crossings.made_in
    assert torch.float64 not in crossings.made_in


@pytest.mark.parametrize(
    ('ask', 'counted'),
    [
        (lambda x: x.sum().item(), (1, 0)),
        (lambda x: bool((x > 0).any()), (1, 0)),
        (lambda x: x.cpu(), (1, 0)),
        (lambda x: x.masked_fill_(x > 0, 1).index_put_([x > 0], x.new_ones(())), (1, 0)),
        (lambda x: torch.zeros(3).to('cuda'), (0, 1)),
        (lambda x: torch.tensor([1, 2], device=x.device), (0, 1)),
        (lambda x: x[:, [2, 1, 0]], (0, 1)),
        (lambda x: x[:, torch.tensor([2, 1, 0])], (0, 1)),
        (lambda x: x.where(x > 0, 1.0) * 2 + torch.arange(3, device=x.device), (0, 0)),
    ],
    ids=['item', 'bool', 'cpu', 'mask', 'to', 'tensor', 'list', 'index', 'none'],
)
def test_waiting_is_seen(ask, counted):
    with fake_cuda() as crossings:
        x = torch.zeros(2, 3, device='cuda')
        ask(x)
    assert (crossings.to_host.total(), crossings.to_device.total()) == counted


def test_what_a_gpu_refuses_is_refused():
    with fake_cuda():
        x = torch.zeros(3, device='cuda')
        with pytest.raises(DynamicOutputShapeException):
            x[x > 0]  # no refusal there, but a wait
        with pytest.raises(RuntimeError, match='two different devices'):
            x + torch.zeros(3)
        with pytest.raises(TypeError, match='numpy'):
            x.numpy()
        assert x.cpu().numpy().shape == (3,)

"""Which number format suits which device, by facts that need no such device."""

import re
from contextlib import nullcontext

import pytest
import torch

from hrnet_ext import cpu_limit, precision
from hrnet_ext.precision import Choice, Hardware, choose

LIMIT = 'ONEDNN_MAX_CPU_ISA=AVX2'


@pytest.mark.parametrize(
    ('hardware', 'training', 'inference', 'emulates', 'reason'),
    [
        # Sapphire Rapids, Zen 4
        (Hardware('cpu', has_bf16=True), 'bf16', 'bf16', False, 'this CPU multiplies bf16'),
        # Cascade Lake, most laptops
        (Hardware('cpu'), 'fp32', 'fp32', True, 'this CPU has no bf16 instructions'),
        # one of the first that imitates one of the second
        (Hardware('cpu', limit=LIMIT), 'fp32', 'fp32', True, f'{LIMIT} switches .* off'),
        # H100, A100
        (Hardware('cuda', True, (9, 0)), 'bf16', 'fp16', False, 'without loss scaling'),
        (Hardware('cuda', True, (8, 0)), 'bf16', 'fp16', False, 'without loss scaling'),
        # T4, V100
        (Hardware('cuda', False, (7, 5)), 'fp16', 'fp16', True, 'emulates bf16'),
        (Hardware('cuda', False, (7, 0)), 'fp16', 'fp16', True, 'emulates bf16'),
        # GTX 1080, P100, K80
        (Hardware('cuda', False, (6, 1)), 'fp32', 'fp32', True, 'no tensor cores: half'),
        (Hardware('cuda', False, (6, 0)), 'fp32', 'fp16', True, 'no tensor cores, but computes'),
        (Hardware('cuda', False, (3, 7)), 'fp32', 'fp32', True, 'no tensor cores'),
        (Hardware('mps'), 'fp32', 'fp32', False, 'never tried on mps'),
        (Hardware('npu'), 'fp32', 'fp32', False, 'never tried on npu'),
    ],
    ids=lambda value: value.kind if isinstance(value, Hardware) else None,
)
def test_a_device_gets_what_it_is_best_at(hardware, training, inference, emulates, reason):
    choice = choose(hardware)
    assert (choice.training, choice.inference, choice.emulates_bf16) == (
        training,
        inference,
        emulates,
    )
    assert choice.scales_loss == (training == 'fp16')
    assert re.search(reason, choice.reason)


@pytest.mark.parametrize(
    ('environment', 'limit', 'allowed'),
    [
        ({}, '', True),
        ({'ONEDNN_MAX_CPU_ISA': ''}, '', True),
        ({'ONEDNN_MAX_CPU_ISA': 'AVX2'}, LIMIT, False),
        ({'ONEDNN_MAX_CPU_ISA': 'avx2'}, 'ONEDNN_MAX_CPU_ISA=avx2', False),
        ({'DNNL_MAX_CPU_ISA': 'AVX512_CORE'}, 'DNNL_MAX_CPU_ISA=AVX512_CORE', False),
        ({'ONEDNN_MAX_CPU_ISA': 'ALL', 'DNNL_MAX_CPU_ISA': 'AVX2'}, 'ONEDNN_MAX_CPU_ISA=ALL', True),
        ({'ONEDNN_MAX_CPU_ISA': 'AVX512_CORE_BF16'}, 'ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16', True),
        ({'ONEDNN_MAX_CPU_ISA': 'AVX10_1_512'}, 'ONEDNN_MAX_CPU_ISA=AVX10_1_512', True),
        ({'ONEDNN_MAX_CPU_ISA': 'PENTIUM'}, 'ONEDNN_MAX_CPU_ISA=PENTIUM', True),  # unknown to it
    ],
)
def test_onednns_limit_is_read_as_onednn_reads_it(environment, limit, allowed):
    assert cpu_limit.instruction_limit(environment) == limit
    assert cpu_limit.allows_bf16(environment) == allowed


@pytest.mark.parametrize(
    ('capabilities', 'limit', 'wanted'),
    [
        ({'avx512_bf16': True, 'amx_bf16': False}, '', Hardware('cpu', True)),
        ({'avx512_bf16': False, 'amx_bf16': True}, '', Hardware('cpu', True)),
        ({'bf16': True, 'neon': True}, '', Hardware('cpu', True)),  # Arm
        ({'avx512_bf16': False, 'avx2': True}, '', Hardware('cpu')),
        ({'avx512_bf16': True}, 'AVX2', Hardware('cpu', limit=LIMIT)),
        ({'avx512_bf16': False}, 'AVX2', Hardware('cpu')),  # it switches nothing off
        ({}, '', Hardware('cpu')),  # a torch that does not tell
    ],
)
def test_a_cpu_is_probed(monkeypatch, capabilities, limit, wanted):
    monkeypatch.setattr(precision, '_cpu_capabilities', lambda: capabilities)
    monkeypatch.setattr(torch.backends.mkldnn, 'is_available', lambda: True)
    monkeypatch.delenv('DNNL_MAX_CPU_ISA', raising=False)
    monkeypatch.setenv('ONEDNN_MAX_CPU_ISA', limit)
    assert precision.probe('cpu') == wanted


def test_without_onednn_bf16_is_emulated(monkeypatch):
    monkeypatch.setattr(precision, '_cpu_capabilities', lambda: {'bf16': True})  # macOS
    monkeypatch.setattr(torch.backends.mkldnn, 'is_available', lambda: False)
    assert precision.probe('cpu') == Hardware('cpu')


def test_this_cpu_is_probed_by_torchs_names():
    """A renamed capability would go unnoticed: bf16 would never be chosen again."""
    known = precision._cpu_capabilities()
    assert any(name in known for name in precision.CPU_BF16)


def test_gpus_are_asked_for_bf16_without_emulation(monkeypatch):
    asked = {}

    def answer(**given):
        asked.update(given)
        return False

    monkeypatch.setattr(torch.cuda, 'device', nullcontext)
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', answer)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device: (7, 5))
    found = precision.probe('cuda:0')
    assert found == Hardware('cuda', False, (7, 5))
    assert asked == {'including_emulation': False}


def test_what_emulation_costs_is_said_where_it_is_emulated(monkeypatch):
    choices = {
        'cpu': Choice('fp32', 'fp32', True, 'no bf16'),
        'cuda': Choice('fp32', 'fp16', True, 'emulates'),
        'mps': Choice('fp32', 'fp32', False, ''),
    }
    monkeypatch.setattr(precision, 'choice_for', lambda device: choices[str(device)])
    assert '2.3 times as long as fp32' in precision.emulation_warning('cpu')
    assert 'slower than fp16' in precision.emulation_warning('cuda')
    assert 'slower than fp32' in precision.emulation_warning('cuda', training=True)
    assert precision.emulation_warning('mps') == ''

"""The GPU check answers every item whatever happens, and its items run: only the device is new."""

import importlib
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from hrnet_ext.models import HRNetV2
from tests.gpu_check import __main__ as command
from tests.gpu_check.folding import folded
from tests.gpu_check.items import FAIL, PASS, SKIP, Check, Group, Skipped
from tests.gpu_check.packed_hrnet import PackedHRNet
from tests.references import randomize


@pytest.mark.slow
@pytest.mark.parametrize('name', command.GROUPS)
def test_no_item_fails_on_a_cpu(name):
    group = importlib.import_module(f'tests.gpu_check.{name}').GROUP
    results = list(group.run(Check('cpu', quick=True)))
    assert [str(result) for result in results if result.status == FAIL] == []
    assert any(result.status == PASS for result in results)


def test_limits_leave_time_to_start_a_machine():
    assert sum(command.GROUPS.values()) < 480


def test_an_item_that_fails_or_is_left_out_costs_no_other_its_answer():
    group = Group()

    @group.item('fails')
    def fails(check):
        raise AssertionError('too far')

    @group.item('left out')
    def left_out(check):
        raise Skipped('no such thing here')

    @group.item('passes')
    def passes(check):
        return {'ms': 1.23456}

    found = list(group.run(Check('cpu', quick=True)))
    assert [result.status for result in found] == [FAIL, SKIP, PASS]
    assert 'too far' in found[0].reason
    assert found[1].reason == 'no such thing here'
    assert str(found[2]).endswith('ms 1.235')


def test_a_group_that_hangs_is_ended(tmp_path):
    answers = tmp_path / 'answers'
    answers.touch()
    process = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
    assert command._wait(process, 0.3, answers) == 'its group is limited to 0.3 s'
    assert process.poll() is not None


def test_a_group_that_dies_has_failed(monkeypatch, capfd):
    monkeypatch.setattr(command, 'GROUPS', {'parity': 30})
    monkeypatch.setattr(sys, 'executable', '/bin/false')
    (result,) = command._run_group('parity', SimpleNamespace(device='cpu', quick=True))
    assert result.status == FAIL
    assert 'ended with status 1' in result.reason
    assert capfd.readouterr().out.startswith('FAIL  all of parity')


class _PlainConv:
    """What a device's fused convolution computes."""

    def __init__(self, conv, norm, *, relu):
        self._given = (*folded(conv, norm), conv.stride, conv.padding)
        self._end = torch.relu if relu else torch.clone

    def __call__(self, x):
        return self._end(F.conv2d(x, *self._given))

    def plus(self, x, other):
        return self._end(F.conv2d(x, *self._given) + other)


@pytest.mark.parametrize(('size', 'upsample'), [((64, 96), 'nearest'), ((33, 130), 'bilinear')])
@torch.no_grad()
def test_the_packed_network_computes_what_the_plain_one_does(size, upsample):
    plain = randomize(HRNetV2(8, num_modules=(1, 1, 1), upsample=upsample)).eval()
    images = torch.randn(2, 3, *size)
    for a, b in zip(PackedHRNet(plain, _PlainConv)(images), plain(images), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=float(1e-4 * b.abs().max()))

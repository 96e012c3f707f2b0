"""What TF32 does to float32 does not keep networks from being optimized.

TF32 is imitated on the CPU: convolutions round their factors to ten bits while PyTorch's own switch
says that cuDNN may.
"""

import copy
import subprocess
import sys

import pytest
import torch
from torch.overrides import TorchFunctionMode

from hrnet_ext.acceleration import optimize, preparing
from hrnet_ext.acceleration.engines import OptimizedNetwork
from hrnet_ext.tf32 import exact_float32, uses_tf32
from tests.test_optimize import difference, images, network

DROPPED_BITS = 13  # of float32's 23


class TF32(TorchFunctionMode):
    """Convolutions as on an A100."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        is_conv = getattr(function, '__name__', '') == 'conv2d' and args[0].dtype is torch.float32
        if is_conv and torch.backends.cudnn.allow_tf32:
            args = (rounded(args[0]), rounded(args[1]), *args[2:])
        return function(*args, **(kwargs or {}))


def rounded(x):
    """To ten bits of mantissa, the nearest."""
    bits = x.detach().contiguous().view(torch.int32) + (1 << (DROPPED_BITS - 1))
    return (bits >> DROPPED_BITS << DROPPED_BITS).view(torch.float32)


@pytest.fixture
def _no_packing(monkeypatch):
    """As on a GPU, where oneDNN's operators are not."""
    monkeypatch.setattr(torch.backends.mkldnn, 'is_available', lambda: False)


def test_rounding_keeps_ten_bits():
    assert rounded(torch.tensor([1 + 2**-10, 1 + 2**-12, -3.0])).tolist() == [1 + 2**-10, 1, -3.0]


@pytest.mark.usefixtures('_no_packing')
@pytest.mark.parametrize('mode', ['fp32', 'bf16'])
def test_networks_are_optimized_where_tf32_is_on(mode):
    plain = network()
    given = images()
    with TF32(), torch.no_grad():
        quick = optimize(copy.deepcopy(plain), mode)
        wanted = plain(given)
    assert isinstance(quick, OptimizedNetwork)
    with TF32(), torch.no_grad():
        far = difference(quick(given), wanted)
    assert far < (1e-2 if mode == 'fp32' else 0.1)


@pytest.mark.usefixtures('_no_packing')
def test_the_imitation_moves_folded_maps_past_the_trial_s_tolerance():
    plain = network()
    quick = optimize(copy.deepcopy(plain))
    with TF32(), torch.no_grad():
        assert difference(quick(images()), plain(images())) > preparing.TOLERANCE


def test_float32_is_exact_meanwhile_and_as_it_was_afterwards():
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32, cudnn.conv.fp32_precision
    with exact_float32():
        assert (cudnn.allow_tf32, matmul.allow_tf32) == (False, False)
        assert cudnn.conv.fp32_precision != 'tf32'
    assert (cudnn.allow_tf32, matmul.allow_tf32, cudnn.conv.fp32_precision) == before


def test_a_program_may_have_set_the_newer_switches():
    code = """if True:
        import torch
        from hrnet_ext.tf32 import exact_float32
        conv, matmul = torch.backends.cudnn.conv, torch.backends.cuda.matmul
        conv.fp32_precision, matmul.fp32_precision = 'ieee', 'tf32'
        with exact_float32():
            assert (conv.fp32_precision, matmul.fp32_precision) == ('ieee', 'ieee')
        assert (conv.fp32_precision, matmul.fp32_precision) == ('ieee', 'tf32')
    """
    subprocess.run([sys.executable, '-c', code], check=True)  # torch cannot take it back


@pytest.mark.parametrize(
    ('capability', 'tf32'),
    [((7, 5), False), ((8, 0), True), ((9, 0), True)],  # T4, A100, H100
)
def test_which_gpus_use_tf32(capability, tf32, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device: capability)
    assert uses_tf32('cuda:0') is tf32
    with exact_float32():
        assert not uses_tf32('cuda:0')
    assert not uses_tf32('cpu')

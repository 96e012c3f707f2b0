"""Compiled networks never run into the compiler's limit, which would leave them uncompiled.

A backend that needs no C++ compiler stands for the real one, a network of one layer for HRNet.
"""

import pytest
import torch
from torch import nn

from hrnet_ext.acceleration import optimize, preparing
from hrnet_ext.models.training_compiler import TrainingCompiler
from tests.test_optimize import images
from tests.test_training_compiler import Counts

BUCKETS = (1, 2, 3, 5, 9, 17, 33)  # each in another power of two


class Network(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, width, 3), nn.BatchNorm2d(width)

    def forward(self, x):
        return (self.norm(self.conv(x)).relu(),)


@pytest.fixture
def counts(monkeypatch):
    """Compiling by counting; running into the limit raises."""
    torch.compiler.reset()
    counter, compile = Counts(), torch.compile

    def counted(run, **_):
        return compile(run, backend=counter, dynamic=False)

    monkeypatch.setattr(torch, 'compile', counted)
    monkeypatch.setattr(torch.backends.mkldnn, 'is_available', lambda: False)
    monkeypatch.setattr(preparing, 'can_compile', lambda device: True)
    with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
        yield counter
    torch.compiler.reset()


@torch.no_grad()
def test_every_precision_compiles_every_bucket_of_two_sizes_of_image(counts):
    for mode in ('fp32+compile', 'bf16+compile'):
        quick = optimize(Network().eval(), mode)
        for num in (*BUCKETS, *BUCKETS):
            quick(images(num, (16, 16)))
        quick(images(2, (32, 16)))
        quick(images(64, (32, 16)))
    assert counts.graphs == 2 * (len(BUCKETS) + 2)


def test_the_same_networks_as_one_function_would_meet_the_limit(counts):
    runs = [
        (torch.compile(Network().eval().to(dtype)), images(num, (16, 16)).to(dtype))
        for dtype in (torch.float32, torch.bfloat16)
        for num in BUCKETS
    ]
    with pytest.raises(Exception, match='recompile_limit'), torch.no_grad():
        assert [run(given) for run, given in runs]


def test_trainings_in_one_process_do_not_use_up_each_other_s_compilations(counts):
    for width in range(1, 11):
        TrainingCompiler({})(Network(width), images(1, (16, 16)))
    assert counts.graphs == 10

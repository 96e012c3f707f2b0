"""Rewritten convolutions are the same function; what does not pay stays as it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

openvino = pytest.importorskip('openvino', reason='openvino is not installed')

from openvino import opset13 as ops  # noqa: E402

from hrnet_ext.export.engines.open_vino import shared_core  # noqa: E402
from hrnet_ext.export.engines.rewriting import rewrite  # noqa: E402

SHAPE = (2, 32, 12, 7)  # a width that nothing divides
ROUNDING = 1e-6  # over the largest value


def constant(generator: np.random.Generator, *shape: int, scale: float = 1.0):
    return ops.constant(generator.normal(0, scale, shape).astype(np.float32))


def convolution(generator, x, channels: int = 32, kernel: int = 3, stride: int = 1, **how):
    inputs = x.get_output_partial_shape(0)[1].get_length()
    weights = constant(generator, channels, inputs, kernel, kernel, scale=1 / kernel / inputs**0.5)
    pad = [how.get('pad', kernel // 2)] * 2
    return ops.convolution(x, weights, [stride] * 2, pad, pad, [how.get('dilation', 1)] * 2)


def biased(generator, x, **how):
    found = convolution(generator, x, **how)
    channels = found.get_output_partial_shape(0)[1].get_length()
    return ops.add(found, constant(generator, 1, channels, 1, 1))


def residual_block(generator, x):
    inner = ops.relu(biased(generator, x))
    return ops.relu(ops.add(biased(generator, inner), x))


def graph_of(build: Callable, shape=SHAPE) -> openvino.Model:
    generator = np.random.default_rng(0)
    x = ops.parameter(shape, np.float32)
    found = build(generator, x)
    return openvino.Model(list(found) if isinstance(found, tuple) else [found], [x])


def run(model: openvino.Model, x: np.ndarray) -> list[np.ndarray]:
    options = {'INFERENCE_PRECISION_HINT': 'f32', 'INFERENCE_NUM_THREADS': 1}
    return list(shared_core().compile_model(model, 'CPU', options)(x).values())


def two_users(generator, x):
    shared = ops.relu(biased(generator, x))
    return ops.relu(biased(generator, shared)), ops.max_pool(
        shared, [2] * 2, [1] * 2, [0] * 2, [0] * 2, [2] * 2
    )


def second_of_two(generator, x):
    both = ops.split(convolution(generator, x, channels=64, kernel=1), 1, 2)
    weights = [constant(generator, 32, 32, 3, 3, scale=0.1) for _ in range(2)]
    return ops.concat(
        [ops.convolution(*each, *[[1, 1]] * 4) for each in zip(both.outputs(), weights)], 1
    )


CASES = {
    'one convolution': (1, convolution),
    'more channels': (1, lambda g, x: convolution(g, x, channels=72)),
    'bias': (1, biased),
    'bias and ReLU': (1, lambda g, x: ops.relu(biased(g, x))),
    'two biases': (1, lambda g, x: ops.add(biased(g, x), constant(g, 1, 32, 1, 1))),
    'a residual block': (2, residual_block),
    'two of them': (4, lambda g, x: residual_block(g, residual_block(g, x))),
    'a sum of two convolutions': (2, lambda g, x: ops.add(biased(g, x), biased(g, x))),
    'a residual before the bias': (
        1,
        lambda g, x: ops.add(ops.add(convolution(g, x), x), constant(g, 1, 32, 1, 1)),
    ),
    'a map that others use, too': (2, two_users),
    'both outputs of one node': (2, second_of_two),
    'between others': (
        2,
        lambda g, x: convolution(
            g, residual_block(g, ops.relu(convolution(g, x, kernel=1))), kernel=1
        ),
    ),
}
LEFT_ALONE = {
    'stride 2': lambda g, x: convolution(g, x, stride=2),
    'kernel 1': lambda g, x: convolution(g, x, kernel=1),
    'kernel 5': lambda g, x: convolution(g, x, kernel=5),
    'no padding': lambda g, x: convolution(g, x, pad=0),
    'dilation': lambda g, x: convolution(g, x, pad=2, dilation=2),
    'few outputs': lambda g, x: convolution(g, x, channels=17),
    'few inputs': lambda g, x: convolution(g, convolution(g, x, channels=3, kernel=1), channels=64),
}


@pytest.mark.parametrize(('count', 'build'), CASES.values(), ids=CASES)
def test_rewritten_graphs_are_the_same_function(count, build):
    x = np.random.default_rng(1).normal(0, 1, SHAPE).astype(np.float32)
    wanted = run(graph_of(build), x)
    model = graph_of(build)
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    assert rewrite(model) == count
    assert [node.get_type_name() for node in model.get_ordered_ops()] != kinds
    found = run(model, x)
    assert len(found) == len(wanted)
    for each, other in zip(found, wanted):
        assert np.abs(each - other).max() < ROUNDING * np.abs(other).max()


def test_it_rounds_less_than_twice_as_much_as_convolving_directly():
    generator = np.random.default_rng(0)
    x = np.maximum(generator.normal(0, 1, (1, 64, 32, 24)), 0).astype(np.float32)
    kernel = generator.normal(0, 0.06, (64, 64, 3, 3)).astype(np.float32)
    wanted = F.conv2d(torch.from_numpy(x).double(), torch.from_numpy(kernel).double(), padding=1)

    def error(model: openvino.Model) -> float:
        return float((run(model, x)[0] - wanted.numpy()).std())

    def build(_, x):
        return ops.convolution(x, ops.constant(kernel), *[[1, 1]] * 4)

    rewritten = graph_of(build, x.shape)
    assert rewrite(rewritten) == 1
    assert error(rewritten) < 2 * error(graph_of(build, x.shape))


@pytest.mark.parametrize('build', LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_what_does_not_pay_is_left_alone(build):
    model = graph_of(build)
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    assert rewrite(model) == 0
    assert [node.get_type_name() for node in model.get_ordered_ops()] == kinds


@pytest.mark.parametrize('height', [4, 5, 6, 7, 8])
def test_heights_that_four_does_not_divide_are_left_alone(height):
    assert rewrite(graph_of(convolution, (1, 32, height, 9))) == (height % 4 == 0)


def test_outputs_keep_their_names():
    model = graph_of(convolution)
    model.output(0).set_names({'heatmaps'})
    assert rewrite(model) == 1
    assert model.output('heatmaps').get_node().get_type_name() == 'Result'

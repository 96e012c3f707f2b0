"""Compiled training: the same numbers and checkpoints, one shape, and no trace in predictions.

Backends that need no C++ compiler stand for the real one, which needs minutes.
"""

import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmpose.registry import MODELS

from hrnet_ext.models.training_compiler import TrainingCompiler
from tests.references import estimator_config, randomize, with_our_types
from tests.test_topdown import batch
from tests.tiny_coco import write_coco
from tests.tiny_run import make_config, start

SMALL = {'width': 8, 'num_modules': (1, 1, 1), 'num_blocks': (1, 1, 1, 1)}


@pytest.fixture(autouse=True)
def _mmpose_scope():
    torch.compiler.reset()
    with DefaultScope.overwrite_default_scope('mmpose'):
        yield


class Counts:
    """A backend that counts what it is asked to compile, and runs it as it is."""

    def __init__(self):
        self.graphs = 0

    def __call__(self, graph, inputs):
        self.graphs += 1
        return graph.forward


def estimator(compile=False, with_cp=False):
    config = with_our_types(estimator_config(8))
    config['backbone'] = {'type': 'hrnet_ext.HRNet', **SMALL, 'with_cp': with_cp}
    return randomize(MODELS.build({**config, 'compile': compile})).train()


def train(model, sizes=(2, 2)):
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01))
    return [model.train_step(batch(n, i), optimizer)['loss'].item() for i, n in enumerate(sizes)]


@pytest.mark.parametrize(
    'with_cp',
    [False, pytest.param(True, marks=pytest.mark.exhaustive)],
    ids=['plain', 'recomputing'],
)
def test_losses_weights_and_statistics_are_those_of_plain_training(with_cp):
    plain = estimator(with_cp=with_cp)
    compiled = estimator({'backend': 'aot_eager'}, with_cp)
    assert train(compiled) == pytest.approx(train(plain), rel=1e-5)
    found, wanted = compiled.state_dict(), plain.state_dict()
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_one_shape_is_compiled_and_another_runs_as_it_is():
    backend = Counts()
    model = estimator({'backend': backend})
    train(model, (2, 2, 1, 2, 3))
    assert backend.graphs == 1


def test_predictions_are_not_compiled():
    backend = Counts()
    model = estimator({'backend': backend})
    model.eval().test_step(batch(1))
    assert backend.graphs == 0


def test_a_copy_begins_anew():
    backend = Counts()
    model = estimator({'backend': backend})
    train(model, (2,))
    average = copy.deepcopy(model)
    assert average.training_compiler is not model.training_compiler
    assert average.training_compiler._run is None
    assert list(average.state_dict()) == list(model.state_dict())


@pytest.mark.parametrize('choice', ['yes', 1, None, ['inductor']])
def test_what_is_no_option_is_refused(choice):
    with pytest.raises(ValueError, match=r'model.compile should be True, False or'):
        estimator(choice)


def test_a_machine_that_cannot_compile_is_told_before_the_first_step(tmp_path):
    write_coco(tmp_path / 'data')
    config = make_config(tmp_path)
    config.model.compile = {'backend': 'nonsense'}
    with pytest.raises(ValueError, match=r'cannot compile here .*nonsense.*leave out --compile'):
        start(config)
    assert not list((tmp_path / 'work').glob('*.pth'))


def test_a_compiler_that_is_missing_is_named(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError('no C++ compiler\nand a long explanation')

    monkeypatch.setattr(torch, 'compile', broken)
    with pytest.raises(ValueError, match=r'RuntimeError: no C\+\+ compiler\); it needs a C'):
        TrainingCompiler({}).check(torch.device('cpu'))


@pytest.mark.exhaustive
def test_a_compiled_run_resumes_as_a_plain_one_and_back(tmp_path):
    write_coco(tmp_path / 'data')
    config = make_config(tmp_path)
    config.default_hooks.checkpoint.interval = 1
    names = []
    for epochs, choice in ((1, {'backend': 'eager'}), (2, False), (3, {'backend': 'eager'})):
        config.train_cfg.max_epochs = epochs
        config.model.compile = choice
        config.resume = epochs > 1
        runner = start(config)
        assert runner.epoch == epochs
        saved = torch.load(tmp_path / 'work' / f'epoch_{epochs}.pth', weights_only=False)
        names.append(list(saved['state_dict']))
    assert names[0] == names[1] == names[2]
    assert not any('_orig_mod' in name for name in names[0])

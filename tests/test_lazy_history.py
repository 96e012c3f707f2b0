"""Logging holds MMEngine's numbers, and reads tensors only when somebody looks."""

import copy
import json
import pickle
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner.loops import EpochBasedTrainLoop
from torch.overrides import TorchFunctionMode

from hrnet_ext.checkpoints import load_checkpoint
from hrnet_ext.engine.lazy_history import LazyHistory, record
from tests.tiny_coco import write_coco
from tests.tiny_run import make_config, start

WAITS = {'item', 'tolist', 'cpu', '__float__', '__int__'}


class CountsWaits(TorchFunctionMode):
    """Lists the calls that would wait for a device."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, '__name__', '') in WAITS:
            self.found.append(function.__name__)
        return function(*args, **(kwargs or {}))


def statistics(history):
    """All that MMEngine asks of a history."""
    windows = [None, 1, 3, 50]
    values = [history.current(), *[history.mean(window) for window in windows]]
    values += [history.max(window) for window in windows]
    values += [history.min(window) for window in windows]
    values += [history.statistics('mean', 4), history.statistics('current')]
    return values


@pytest.mark.parametrize('max_length', [1_000_000, 7])
def test_it_holds_what_mmengines_holds_whenever_it_is_read(max_length):
    rng = np.random.default_rng(0)
    plain = HistoryBuffer([1.5, 2.5], [1, 2], max_length)
    lazy = LazyHistory(plain)
    for _ in range(40):
        value, count = float(np.float32(rng.normal())), int(rng.integers(1, 4))
        plain.update(value, count)
        lazy.update(torch.tensor(value) if rng.random() < 0.6 else value, count)
        if rng.random() < 0.3:
            assert statistics(lazy) == statistics(plain)
    for ours, theirs in zip(lazy.data, plain.data):
        np.testing.assert_array_equal(ours, theirs)


def test_many_tensors_are_read_at_once_and_only_once():
    history = LazyHistory()
    with CountsWaits() as waits:
        for value in range(50):
            history.update(torch.tensor([float(value)]))
        assert waits.found == []
        assert history.mean(50) == 24.5
        assert history.max() == 49
        assert waits.found == ['tolist']


def test_the_graph_of_a_loss_is_not_kept():
    weight = torch.ones(1, requires_grad=True)
    history = LazyHistory()
    history.update((weight * 2).sum())
    assert not history._unread[0].requires_grad


def test_a_number_is_current_without_reading_the_tensors_before_it():
    history = LazyHistory()
    history.update(torch.tensor(1.0))
    history.update(0.25)
    with CountsWaits() as waits:
        assert history.current() == 0.25
    assert waits.found == []


@pytest.mark.parametrize('copied', [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_and_files_hold_mmengines_class(copied):
    history = LazyHistory(HistoryBuffer([1.0], [1]))
    history.update(torch.tensor(2.0))
    found = copied(history)
    assert type(found) is HistoryBuffer
    np.testing.assert_array_equal(found.data[0], [1, 2])
    found.update(3.0)
    assert found.mean() == 2


@pytest.mark.parametrize('value', ['0.5', None, torch.ones(2)])
def test_what_is_not_one_number_is_refused(value):
    with pytest.raises(TypeError, match='should be one number'):
        LazyHistory().update(value)


def test_a_message_hub_takes_numbers_and_tensors():
    hub = MessageHub.get_instance(f'lazy_{np.random.default_rng().integers(1 << 60)}')
    for value in (torch.tensor(1.0), 2.0, torch.tensor(3.0)):
        record(hub, 'train/norm', value)
    assert hub.get_scalar('train/norm').mean() == 2
    assert type(hub.state_dict()['log_scalars']['train/norm']) is HistoryBuffer


@pytest.fixture
def config(tmp_path):
    """A run of three epochs of three steps, logged once an epoch."""
    write_coco(tmp_path / 'data')
    config = make_config(tmp_path)
    config.train_cfg.max_epochs = 3
    config.train_dataloader.batch_size = 2
    config.default_hooks.logger = {'type': 'LoggerHook', 'interval': 3}
    config.default_hooks.runtime_info = {'type': 'hrnet_ext.RuntimeInfoHook'}
    config.optim_wrapper = {
        'type': 'hrnet_ext.OptimWrapper',
        'optimizer': {'type': 'Adam', 'lr': 1e-4},
        'clip_grad': {'max_norm': 1e-2},
    }
    config.randomness = {'seed': 0}
    return config


@contextmanager
def watched(monkeypatch):
    """The waits of each training step, hooks included."""
    steps = []
    run = EpochBasedTrainLoop.run_iter

    def run_iter(self, *args):
        with CountsWaits() as waits:
            run(self, *args)
        steps.append(waits.found)

    with monkeypatch.context() as patch:
        patch.setattr(EpochBasedTrainLoop, 'run_iter', run_iter)
        yield steps


def test_a_step_waits_for_nothing_unless_it_is_logged(config, monkeypatch):
    with watched(monkeypatch) as steps:
        start(config)
    assert len(steps) == 9
    assert steps[0]  # the first value of each kind
    assert steps[1] == []
    assert [len(step) for step in steps[3:]] == [0, 0, 4] * 2  # loss, loss_kpt, acc_pose, grad_norm


def test_mmengines_hook_waits_in_each_step(config, monkeypatch):
    config.default_hooks.runtime_info = {'type': 'RuntimeInfoHook'}
    with watched(monkeypatch) as steps:
        start(config)
    assert all(len(step) >= 3 for step in steps)


def test_logs_and_checkpoints_are_those_of_mmengines_hook(config, tmp_path):
    logged, saved = [], []
    for name, hook in (('ours', 'hrnet_ext.RuntimeInfoHook'), ('theirs', 'RuntimeInfoHook')):
        config.default_hooks.runtime_info = {'type': hook}
        config.work_dir = str(tmp_path / name)
        start(config)
        (path,) = (tmp_path / name).glob('*/vis_data/scalars.json')
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        times = {'time', 'data_time', 'memory'}
        logged.append([{k: v for k, v in line.items() if k not in times} for line in lines])
        hub = load_checkpoint(tmp_path / name / 'epoch_3.pth')['message_hub']['log_scalars']
        saved.append(hub)
    assert logged[0] == logged[1]
    assert len(logged[0]) == 6  # an epoch's log and its validation
    assert saved[0].keys() == saved[1].keys()
    for key, ours in saved[0].items():
        assert type(ours) is HistoryBuffer
        if not key.endswith('time'):
            np.testing.assert_array_equal(ours.data[0], saved[1][key].data[0])
    assert len(saved[0]['train/loss'].data[0]) == 9


def test_a_resumed_run_goes_on_logging(config, tmp_path):
    config.train_cfg.max_epochs = 2
    start(config)
    config.train_cfg.max_epochs = 3
    config.resume = True
    runner = start(config)
    assert isinstance(runner.message_hub.get_scalar('train/loss'), LazyHistory)
    assert len(runner.message_hub.get_scalar('train/loss').data[0]) == 9

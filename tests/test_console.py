"""The terminal shows what the user of a run needs, and its log file all; progress with its end."""

import argparse
import io
import logging
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from mmengine.runner import Runner

from hrnet_ext import cli, host_warnings, progress
from hrnet_ext.engine import launch, run_config
from hrnet_ext.engine.console import FOR_THE_FILE, ConsoleRunner
from tests.tiny_coco import write_coco
from tests.tiny_run import make_config

BAR_CONTROLS = ('\r', '\x1b[A')


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def config(tmp_path):
    """A run on the tiny data set, one image in a batch and a logging interval of one."""
    write_coco(tmp_path / 'data')
    config = make_config(tmp_path)
    config.default_hooks.logger = {'type': 'LoggerHook', 'interval': 1}
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        config[loader].update(batch_size=1, pin_memory=True)
    return config


def start(config, command):
    """Run it under a name of its own."""
    config.experiment_name = f'console_{np.random.default_rng().integers(1 << 60)}'
    runner = ConsoleRunner.from_cfg(config)
    getattr(runner, command)()
    return runner


def log_of(runner):
    """The text of its log file."""
    return Path(runner.logger.log_file).read_text()


def without_time_and_color(text):
    """What is the same on the terminal and in the file."""
    text = re.sub(r'\x1b\[[\d;]*m', '', text)
    return re.sub(r'^[\d/]+ [\d:]{8} - ', '', text, flags=re.M)


def test_a_test_shows_its_metrics_and_the_file_has_the_rest(config, capsys):
    runner = start(config, 'test')
    shown, logged = capsys.readouterr().out, log_of(runner)
    assert len(shown.splitlines()) < 40
    assert 'AP .5' in shown
    assert runner.logger.log_file in shown
    for text in (
        'System environment:',
        'hrnet_ext version: ',
        'Config:\n',
        'Hooks will be executed',
        'AP .5',
    ):
        assert text in logged
    for beginning in FOR_THE_FILE:
        assert not re.search(beginning, shown)


def test_training_shows_a_line_for_each_interval_and_says_what_it_saves(config, capsys):
    runner = start(config, 'train')
    shown = capsys.readouterr().out
    steps = [line for line in shown.splitlines() if 'Epoch(train)' in line]
    assert len(steps) == len(runner.train_dataloader)
    assert 'Saving checkpoint at 1 epochs' in shown
    assert 'Checkpoints will be saved to' in shown
    assert len(shown.splitlines()) < 40 + len(steps)


def test_verbose_shows_all_that_the_file_has(config, capsys):
    config.verbose = True
    runner = start(config, 'test')
    shown = without_time_and_color(capsys.readouterr().out).splitlines()
    assert set(without_time_and_color(log_of(runner)).splitlines()) <= set(shown)


def test_the_options_of_single_parameters_are_for_the_file(config, capsys):
    config.optim_wrapper.paramwise_cfg = {'norm_decay_mult': 0.0, 'bypass_duplicate': True}
    config.optim_wrapper.optimizer.update(type='AdamW', weight_decay=0.01)
    runner = start(config, 'train')
    assert 'paramwise_options -- backbone' in log_of(runner)
    assert 'paramwise_options' not in capsys.readouterr().out


def test_the_option_reaches_the_config():
    parser = cli.config_parser('')
    cli.add_run_arguments(parser)
    config = run_config.read_config('hrnet_w32_coco', [])
    for words, verbose in (([], None), (['--verbose'], True)):
        run_config.set_verbose(config, parser.parse_args(['hrnet_w32_coco', *words]))
        assert config.get('verbose') is verbose


class Built(Exception):
    """Ends a run with the class of its runner."""


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_the_tools_run_so(tool, tmp_path, monkeypatch):
    def build(cls, config):
        raise Built(cls)

    monkeypatch.setattr(Runner, 'from_cfg', classmethod(build))
    (tmp_path / 'weights.pth').touch()
    arguments = {
        'config': 'hrnet_w32_coco', 'cfg_options': [], 'work_dir': str(tmp_path), 'resume': None,
        'launcher': 'none', 'show': False, 'show_dir': None, 'interval': None, 'wait_time': None,
        'amp': False, 'channels_last': False,
        'compile': False, 'no_validate': False, 'auto_scale_lr': False, 'verbose': False,
        'checkpoint': str(tmp_path / 'weights.pth'), 'out': None, 'dump': None, 'optimize': None,
    }  # fmt: skip
    with pytest.raises(Built) as built:
        getattr(launch, tool)(argparse.Namespace(**arguments))
    assert issubclass(built.value.args[0], ConsoleRunner)


def test_warnings_of_a_run_are_shown(config, capsys):
    runner = start(config, 'test')
    capsys.readouterr()
    runner.logger.warning('The model and loaded state dict do not match exactly')
    assert 'do not match exactly' in capsys.readouterr().out


def test_nothing_warns_of_pinned_memory_without_a_gpu(config, monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        runner = start(config, 'test')
    assert not [warning for warning in caught if 'pin_memory' in str(warning.message)]
    assert not runner.test_dataloader.pin_memory
    assert config.test_dataloader.pin_memory  # the user's config is as it was


@pytest.mark.parametrize('command', ['train', 'test'])
def test_a_terminal_gets_a_bar_in_place_of_the_lines_of_an_evaluation(command, config, monkeypatch):
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, 'stdout', out)
    monkeypatch.setattr(sys, 'stderr', err)
    runner = start(config, command)
    batches = len(runner.test_dataloader if command == 'test' else runner.val_dataloader)
    assert re.search(rf'(test|validation):.*/{batches} \[\d\d:\d\d<(\?|\d\d:\d\d)', err.getvalue())
    assert not re.search(r'(val|test)\).* eta: ', out.getvalue())
    assert re.search(r'(val|test)\).* eta: ', log_of(runner))
    assert err.getvalue().rpartition('\r')[2] == ''  # the bar is gone


def test_a_file_gets_the_lines_and_no_bar(config, capsys):
    runner = start(config, 'test')
    shown, errors = capsys.readouterr()
    assert len(re.findall(r'Epoch\(test\).* eta: ', shown)) == len(runner.test_dataloader)
    assert not any(control in shown + errors for control in BAR_CONTROLS)


def test_progress_in_a_file_is_lines_with_the_time_that_is_left(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', io.StringIO())
    monkeypatch.setattr(progress, 'SECONDS_PER_LINE', 1e-9)
    with progress.progress_bar(3, 'image', 'boxes') as bar:
        for _ in range(3):
            bar.update()
    lines = sys.stderr.getvalue().splitlines()
    assert re.fullmatch(r'boxes: 2 of 3 images, \d\d:\d\d passed, \d\d:\d\d left', lines[1])
    assert not any(control in sys.stderr.getvalue() for control in BAR_CONTROLS)


def test_progress_of_a_short_job_leaves_a_file_alone(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', io.StringIO())
    with progress.progress_bar(3, 'image') as bar:
        bar.update(3)
    assert sys.stderr.getvalue() == ''


def test_progress_is_a_bar_on_a_terminal_that_does_not_say_its_size(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', Terminal())
    monkeypatch.setenv('COLUMNS', '0')
    with progress.progress_bar(3, 'image') as bar:
        bar.update(3)
    assert '100%' in sys.stderr.getvalue()


def test_only_known_warnings_of_the_hosts_are_silenced(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), 'filters', [])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        host_warnings.silence_known()
        warnings.warn('`torch.cuda.amp.autocast(args...)` is deprecated.', FutureWarning, 1)
        warnings.warn('torch.meshgrid: in an upcoming release, it will be', stacklevel=1)
        warnings.warn('this data set has a fault', stacklevel=1)
    assert [str(warning.message) for warning in caught] == ['this data set has a fault']
    logging.warning('Please consider to run pre-processing before quantization.')
    logging.warning('this graph has a fault')
    assert caplog.messages == ['this graph has a fault']


@pytest.mark.parametrize(('words', 'silenced'), [([], True), (['--verbose'], False)])
def test_the_tools_silence_them_unless_asked_for_all(words, silenced, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['test.py', *words])
    called = []
    monkeypatch.setattr(cli, 'silence_known', lambda: called.append(True))
    cli.run(lambda: None)
    assert bool(called) is silenced

"""Trainings as they are started, killed, moved and resumed: nothing lost, nothing shared."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from hrnet_ext.checkpoints import load_checkpoint
from hrnet_ext.engine import runners, work_dir
from hrnet_ext.engine.launch import train
from tests.test_tools_cli import train_arguments
from tests.tiny_coco import write_coco
from tests.tiny_run import make_config, start

ROOT = Path(__file__).parents[1]
WAIT = 240  # seconds, for a process that shares its machine with others


@pytest.fixture
def config(tmp_path):
    """A config file for a training that never ends by itself."""
    write_coco(tmp_path / 'data')
    cfg = make_config(tmp_path)
    cfg.train_cfg.max_epochs = 10_000
    hook = {'type': 'hrnet_ext.CheckpointHook', 'max_keep_ckpts': 2, 'interval': 1}
    cfg.default_hooks.checkpoint.update(hook)
    cfg.dump(tmp_path / 'tiny.py')
    return str(tmp_path / 'tiny.py')


def run(config, *options, epochs=None):
    """``tools/train.py`` in this process."""
    train(train_arguments(config, *options, '--cfg-options', f'train_cfg.max_epochs={epochs}'))


def pth(folder):
    return sorted(path.name for path in Path(folder).glob('*.pth'))


def start_and_kill_at(config, epoch, meanwhile):
    """Train in another process; call ``meanwhile`` once an epoch is saved, then kill -9."""
    folder = Path(config).parent / 'work'
    process = subprocess.Popen(
        [sys.executable, str(ROOT / 'tools' / 'train.py'), config],
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + WAIT
        while not any(int(path.stem[6:]) >= epoch for path in folder.glob('epoch_*.pth')):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        meanwhile(process)
    finally:
        process.kill()
        process.wait()


def test_a_second_training_stops_and_a_killed_one_is_resumed_where_it_was_moved(config, tmp_path):
    work, moved = tmp_path / 'work', tmp_path / 'elsewhere' / 'renamed'

    def second(process):
        before = sorted(path.name for path in work.iterdir() if path.is_dir())
        with pytest.raises(ValueError, match=r'work is in use by another training') as raised:
            run(config, epochs=1)
        assert f'process {process.pid} on ' in str(raised.value)
        assert '--work-dir' in str(raised.value)
        assert sorted(path.name for path in work.iterdir() if path.is_dir()) == before

    start_and_kill_at(config, 2, second)
    moved.parent.mkdir()
    work.rename(moved)
    run(config, epochs=1)  # another run has the old place, the dead one's lock does not matter
    others = {name: (work / name).read_bytes() for name in pth(work)}
    last = (moved / 'last_checkpoint').read_text()
    done = int(Path(last).stem.removeprefix('epoch_'))
    run(config, '--work-dir', str(moved), '--resume', epochs=done + 2)
    assert {name: (work / name).read_bytes() for name in pth(work)} == others
    steps = [name for name in pth(moved) if name.startswith('epoch')]
    assert sorted(steps) == sorted([f'epoch_{done + 1}.pth', f'epoch_{done + 2}.pth'])
    assert load_checkpoint(moved / f'epoch_{done + 2}.pth')['meta']['epoch'] == done + 2


def test_resuming_a_finished_training_says_what_there_is_to_do(config, tmp_path, capsys):
    run(config, '--resume', epochs=1)
    told = capsys.readouterr()
    assert f'nothing to resume from in {tmp_path / "work"}: training starts anew' in (
        told.out + told.err
    )
    assert 'Auto resumed' not in told.out + told.err
    before = (tmp_path / 'work' / 'epoch_1.pth').read_bytes()
    run(config, '--resume', epochs=1)
    told = capsys.readouterr().out
    assert f'nothing to do: {tmp_path / "work" / "epoch_1.pth"} is the end of its training' in told
    assert '(1 of train_cfg.max_epochs=1)' in told
    assert '--cfg-options train_cfg.max_epochs=2' in told
    assert (tmp_path / 'work' / 'epoch_1.pth').read_bytes() == before


def test_resuming_from_nothing_keeps_the_weights_to_start_from(config, tmp_path):
    """As the first start of a job does that its cluster starts again and again."""
    run(config, epochs=1)
    first = tmp_path / 'first.pth'
    shutil.copy(tmp_path / 'work' / 'epoch_1.pth', first)
    args = train_arguments(
        config, '--resume', '--work-dir', str(tmp_path / 'new'),
        '--cfg-options', 'train_cfg.max_epochs=1', f'load_from={first}',
        'optim_wrapper.optimizer.lr=0.0',
    )  # fmt: skip
    train(args)
    before, after = (
        load_checkpoint(path)['state_dict']['head.final_layer.weight']
        for path in (first, tmp_path / 'new' / 'epoch_1.pth')
    )
    assert torch.equal(before, after)


def test_runs_that_start_in_one_second_have_a_log_folder_each(tmp_path, monkeypatch):
    """Tests beside a training, or several at once, as jobs of a cluster start."""
    runner = object.__new__(runners.Runner)
    runner._work_dir = str(tmp_path)
    times = iter(['20260101_000000', '20260101_000001'])
    monkeypatch.setattr(runners.time, 'strftime', lambda _: next(times))
    monkeypatch.setattr(
        runners.ConsoleRunner,
        'setup_env',
        lambda self, _: setattr(self, '_timestamp', '20260101_000000'),
    )
    found = []
    for _ in range(2):
        runner.setup_env({})
        found.append(runner.timestamp)
    assert found == ['20260101_000000', '20260101_000001']


def test_mmposes_own_runner_is_locked_out_by_the_hook(tmp_path):
    write_coco(tmp_path / 'data')
    cfg = make_config(tmp_path)
    cfg.default_hooks.checkpoint.type = 'hrnet_ext.CheckpointHook'
    holder = subprocess.Popen(
        [sys.executable, '-c', HOLD, str(tmp_path / 'work' / work_dir.LOCK_FILE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b'held\n'
        with pytest.raises(ValueError, match=r'in use by another training \(somebody\)'):
            start(cfg)
    finally:
        holder.kill()
        holder.wait()


HOLD = """
import fcntl, pathlib, sys
path = pathlib.Path(sys.argv[1])
path.parent.mkdir()
file = path.open('w')
fcntl.lockf(file, fcntl.LOCK_EX)
file.write('somebody')
file.flush()
print('held', flush=True)
sys.stdin.read()
"""


def test_a_lock_is_given_back_and_its_file_removed(tmp_path):
    lock = work_dir.hold_folder(tmp_path)
    assert f'process {os.getpid()} on' in (tmp_path / work_dir.LOCK_FILE).read_text()
    lock.close()
    lock.close()
    assert not list(tmp_path.iterdir())


def test_where_locks_are_unknown_a_warning_tells(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(38, 'Function not implemented')

    told = []
    monkeypatch.setattr(work_dir.fcntl, 'lockf', refuse)
    monkeypatch.setattr(work_dir, 'print_log', lambda text, *_, **__: told.append(text))
    assert work_dir.hold_folder(tmp_path) is None
    assert 'cannot be locked (Function not implemented)' in told[0]


def test_the_other_processes_of_a_second_training_stop_too(tmp_path, monkeypatch):
    """They learn from the first one that the folder is taken; one of them tells."""
    monkeypatch.setattr(work_dir, 'is_main_process', lambda: False)
    monkeypatch.setattr(
        work_dir, 'broadcast_object_list', lambda answer: answer.__setitem__(0, 'process 7')
    )
    with pytest.raises(SystemExit) as ended:
        work_dir.hold_folder(tmp_path)
    assert ended.value.code == 1

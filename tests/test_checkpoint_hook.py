"""A full disk, a crash or a wrong resume never costs a good checkpoint."""

import copy
import errno
import hashlib
import os
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Dataset

import hrnet_ext
import hrnet_ext.writing as writing
from hrnet_ext.checkpoints import load_checkpoint, save_checkpoint
from hrnet_ext.engine.checkpoint_hook import CheckpointHook
from hrnet_ext.engine.run_config import find_checkpoint
from hrnet_ext.writing import write_atomically


class Model(BaseModel):
    """Small, but with everything that a checkpoint holds."""

    def __init__(self, num_outputs=3):
        super().__init__()
        self.layer = nn.Linear(4, num_outputs)
        self.norm = nn.BatchNorm1d(num_outputs)

    def forward(self, x, mode='tensor'):
        x = torch.stack(x) if isinstance(x, list) else x
        y = self.norm(self.layer(x))
        return {'loss': (y - 1).pow(2).mean()} if mode == 'loss' else list(y)


class Points(Dataset):
    def __init__(self):
        self.metainfo = {'sigmas': np.array([0.1, 0.2])}

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return {'x': torch.arange(4.0) * index}


class Rising(BaseMetric):
    """A metric that is better each time."""

    times = 0

    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        Rising.times += 1
        return {'AP': np.float64(Rising.times)}


def loader():
    dataset = Points()
    return DataLoader(dataset, batch_size=4, sampler=DefaultSampler(dataset, shuffle=False))


def make_runner(work_dir, *, epochs=3, model=None, hook=None, **options):
    make_runner.count = getattr(make_runner, 'count', 0) + 1
    hook = {
        'interval': 1,
        'max_keep_ckpts': 1,
        'save_best': 'AP',
        'rule': 'greater',
        **(hook or {}),
    }
    return Runner(
        model=model or Model(),
        work_dir=str(work_dir),
        train_dataloader=loader(),
        val_dataloader=loader(),
        val_cfg={},
        val_evaluator=Evaluator([Rising()]),
        train_cfg={'by_epoch': True, 'max_epochs': epochs, 'val_interval': 1},
        optim_wrapper={'optimizer': {'type': 'Adam', 'lr': 0.01}},
        param_scheduler={
            'type': 'OneCycleLR',
            'eta_max': 0.1,
            'total_steps': 20,
            'by_epoch': False,
        },
        default_hooks={'checkpoint': {'type': 'hrnet_ext.CheckpointHook', **hook}},
        default_scope='mmengine',
        experiment_name=f'checkpoint_hook_{make_runner.count}',
        log_level='ERROR',
        cfg=Config({}),
        **options,
    )


def saved(work_dir):
    return sorted(path.name for path in Path(work_dir).iterdir() if path.is_file())


def weights(path):
    return load_checkpoint(path)['state_dict']


class FullDisk:
    """Stands in for a file: writes half of what it is given, then the disk is full."""

    def __init__(self, file):
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, content):
        self._file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def disk_full_for(monkeypatch):
    """Call with a part of a file name: writing such files fails midway from then on."""

    def fill(part):
        real = Path.open

        def open_(self, mode='r', *args, **kwargs):
            file = real(self, mode, *args, **kwargs)
            return FullDisk(file) if part in self.name and 'w' in mode else file

        monkeypatch.setattr(Path, 'open', open_)

    return fill


def test_write_replaces_the_whole_file(tmp_path):
    path = tmp_path / 'new folder' / 'a.pth'
    save_checkpoint({'epoch': 1}, path)
    save_checkpoint({'epoch': 2}, path)
    assert load_checkpoint(path) == {'epoch': 2}
    assert saved(path.parent) == ['a.pth']


def test_full_disk_keeps_the_old_file_and_no_part(tmp_path, disk_full_for):
    path = tmp_path / 'a.pth'
    save_checkpoint({'epoch': 1}, path)
    disk_full_for('a.pth')
    with pytest.raises(OSError, match='No space left on device') as error:
        save_checkpoint({'epoch': 2}, path)
    assert error.value.errno == errno.ENOSPC
    for part in (str(path), 'bytes are free in', 'The earlier a.pth is untouched', '--work-dir'):
        assert part in str(error.value)
    assert load_checkpoint(path) == {'epoch': 1}
    assert saved(tmp_path) == ['a.pth']


def test_limit_of_the_system_keeps_the_old_file(tmp_path):
    """Not simulated: the kernel itself refuses to write on."""
    path = tmp_path / 'a.bin'
    path.write_bytes(b'old')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match=r'File too large.*ulimit -f') as error:
            write_atomically(path, bytes(20_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(path) in str(error.value)
    assert path.read_bytes() == b'old'
    assert saved(tmp_path) == ['a.bin']


def test_interruption_leaves_no_part(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing.os, 'fsync', interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / 'a.pth', b'content')
    assert saved(tmp_path) == []


def test_training_keeps_what_it_should(tmp_path):
    make_runner(tmp_path).train()
    assert [name for name in saved(tmp_path) if name.endswith('.pth')] == [
        'best_AP_epoch_3.pth',
        'epoch_3.pth',
    ]
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_3.pth')
    assert load_checkpoint(tmp_path / 'epoch_3.pth')['message_hub']['runtime_info'][
        'keep_ckpt_ids'
    ] == [3]


def test_same_files_as_mmengines_hook(tmp_path):
    names = []
    for type_ in ('CheckpointHook', 'hrnet_ext.CheckpointHook'):
        hook = {'type': type_, 'max_keep_ckpts': 2}
        make_runner(tmp_path / type_, hook=hook, epochs=4).train()
        names.append([name for name in saved(tmp_path / type_) if not name.endswith('.py')])
    assert names[0] == names[1]
    assert 'epoch_3.pth' in names[1]


@pytest.mark.parametrize('victim', ['epoch_2.pth', 'best_AP_epoch_2.pth', 'last_checkpoint'])
def test_full_disk_in_training_costs_nothing_earlier(tmp_path, disk_full_for, victim):
    make_runner(tmp_path, epochs=1).train()
    best = (tmp_path / 'best_AP_epoch_1.pth').read_bytes()
    disk_full_for(victim)
    runner = make_runner(tmp_path, epochs=2, resume=True)
    with pytest.raises(OSError, match='No space left on device') as error:
        runner.train()
    assert str(tmp_path / victim) in str(error.value)
    assert (tmp_path / 'best_AP_epoch_1.pth').read_bytes() == best
    last = Path((tmp_path / 'last_checkpoint').read_text())
    # The newest complete one: epoch 2's own file is only lost where that is the victim.
    epoch = 2 if victim.startswith('best') else 1
    assert last.name == f'epoch_{epoch}.pth'
    assert load_checkpoint(last)['meta']['epoch'] == epoch
    assert not list(tmp_path.glob('.*.partial'))


def test_resume_after_a_full_disk_continues_exactly(tmp_path, disk_full_for, monkeypatch):
    start = Model()
    make_runner(tmp_path / 'whole', model=copy.deepcopy(start)).train()
    disk_full_for('epoch_2.pth')
    with pytest.raises(OSError, match='No space left'):
        make_runner(tmp_path / 'parts', model=copy.deepcopy(start)).train()
    monkeypatch.undo()
    make_runner(tmp_path / 'parts', resume=True).train()
    assert 'epoch_1.pth' not in saved(tmp_path / 'parts')
    whole, parts = weights(tmp_path / 'whole/epoch_3.pth'), weights(tmp_path / 'parts/epoch_3.pth')
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_checkpoints_tell_the_version_that_wrote_them(tmp_path):
    make_runner(tmp_path, epochs=1).train()
    path = find_checkpoint('last', str(tmp_path))
    assert load_checkpoint(path)['meta']['hrnet_ext_version'] == hrnet_ext.__version__


def test_resume_of_another_model_is_an_error(tmp_path):
    make_runner(tmp_path, epochs=1).train()
    runner = make_runner(tmp_path, epochs=2, model=Model(num_outputs=5), resume=True)
    with pytest.raises(ValueError, match='it is of another model, 6 tensors differ') as error:
        runner.train()
    assert 'layer.weight is (3, 4) instead of (5, 4)' in str(error.value)
    assert 'load_from' in str(error.value)


def test_resume_from_bare_weights_is_an_error(tmp_path):
    torch.save({'state_dict': Model().state_dict()}, tmp_path / 'weights.pth')
    source = str(tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match='weights but no state of a training'):
        make_runner(tmp_path / 'work', load_from=source, resume=True).train()
    make_runner(tmp_path / 'work', load_from=source, epochs=1).train()


def test_published_file_is_named_by_its_hash(tmp_path):
    make_runner(tmp_path, epochs=1, hook={'published_keys': ['meta', 'state_dict']}).train()
    (path,) = tmp_path.glob('epoch_1-*.pth')
    assert hashlib.sha256(path.read_bytes()).hexdigest()[:8] == path.stem.split('-')[1]
    assert set(load_checkpoint(path)) == {'meta', 'state_dict'}


def test_folder_without_permission_is_found_before_training(tmp_path):
    (tmp_path / 'file').write_text('')  # not even the superuser can make a folder below a file
    runner = make_runner(tmp_path / 'work', hook={'out_dir': str(tmp_path / 'file')})
    with pytest.raises(OSError, match='Cannot write') as error:
        runner.train()
    assert runner.iter == 0
    assert str(tmp_path / 'file') in str(error.value)
    assert '--work-dir' in str(error.value)


def test_object_stores_are_left_to_mmengine():
    hook = CheckpointHook(out_dir='s3://bucket/run', backend_args={'backend': 'local'})
    assert hook._saves_to_local_files('somewhere')
    hook = CheckpointHook(file_client_args={'backend': 'disk'})
    assert not hook._saves_to_local_files('somewhere')


def checkpoints(folder):
    return [name for name in saved(folder) if name.endswith('.pth')]


def contents(folder):
    return {name: (Path(folder) / name).read_bytes() for name in checkpoints(folder)}


def resume(work_dir, source=None, **options):
    """Train on from a checkpoint, or as ``tools/train.py --resume`` does."""
    source = source or find_checkpoint('last', str(work_dir))
    make_runner(work_dir, load_from=str(source), resume=True, **options).train()


def test_a_run_that_resumes_anothers_checkpoint_leaves_its_folder_alone(tmp_path, capsys):
    """The message hub brings the paths of the other run along."""
    old, new = tmp_path / 'old', tmp_path / 'new'
    make_runner(old, epochs=2, hook={'max_keep_ckpts': 2}).train()
    before = contents(old)
    resume(new, old / 'epoch_2.pth', epochs=4)
    assert contents(old) == before
    assert checkpoints(new) == ['best_AP_epoch_4.pth', 'epoch_4.pth']


def test_a_run_without_a_best_checkpoint_is_resumed_without_a_warning(tmp_path):
    make_runner(tmp_path / 'old', epochs=1).train()
    source = tmp_path / 'old' / 'epoch_1.pth'
    resume(tmp_path / 'new', source, epochs=2, hook={'rule': 'less'})
    hub = load_checkpoint(tmp_path / 'new' / 'epoch_2.pth')['message_hub']
    assert hub['runtime_info']['best_ckpt'] is None
    assert hub['runtime_info'].keys() >= {key for key in hub['resumed_keys'] if 'best' in key}


@pytest.mark.parametrize('place', ['renamed', 'deeper/inside', 'copied'])
def test_a_moved_run_goes_on_with_its_own_files_only(tmp_path, place):
    """Another run has the old place by now, with files of the same names."""
    old, new = tmp_path / 'work', tmp_path / place / 'work'
    make_runner(old, epochs=1).train()
    new.parent.mkdir(parents=True)
    shutil.copytree(old, new) if place == 'copied' else old.rename(new)
    if place != 'copied':
        make_runner(old, epochs=1).train()
    before = contents(old)
    resume(new, epochs=3)
    assert contents(old) == before
    assert checkpoints(new) == ['best_AP_epoch_3.pth', 'epoch_3.pth']


def test_a_run_that_is_resumed_in_its_place_replaces_its_own_files(tmp_path):
    make_runner(tmp_path, epochs=3, hook={'max_keep_ckpts': 3}).train()
    resume(tmp_path, epochs=4, hook={'max_keep_ckpts': 2})
    assert checkpoints(tmp_path) == ['best_AP_epoch_4.pth', 'epoch_3.pth', 'epoch_4.pth']


def test_a_new_run_keeps_the_files_of_an_earlier_one_in_its_folder(tmp_path):
    make_runner(tmp_path, epochs=2, hook={'max_keep_ckpts': 2}).train()
    before = contents(tmp_path)
    make_runner(tmp_path, epochs=3).train()
    after = contents(tmp_path)
    assert sorted(set(before.values()) & set(after.values())) == sorted(before.values())
    assert {'epoch_3.pth', 'best_AP_epoch_3.pth'} <= after.keys()
    kept = sorted(name for name in after if '_of_20' in name)
    assert [name.partition('_of_')[0] for name in kept] == ['best_AP_epoch_2', 'epoch_1', 'epoch_2']
    # Started by mistake, it can be removed; a resumed one replaces what it wrote itself.
    resume(tmp_path, epochs=4)
    assert len(checkpoints(tmp_path)) == len(after)


def test_a_checkpoint_that_a_killed_part_of_the_run_wrote_is_replaced(tmp_path):
    """Killed after writing epoch_2.pth, before last_checkpoint names it."""
    make_runner(tmp_path, epochs=2, hook={'max_keep_ckpts': 2}).train()
    resume(tmp_path, tmp_path / 'epoch_1.pth', epochs=2)
    assert not list(tmp_path.glob('*_of_*'))


def test_a_run_of_a_version_without_ids_goes_on_with_its_files(tmp_path, monkeypatch):
    make_runner(tmp_path, epochs=2, hook={'max_keep_ckpts': 2}).train()
    for path in tmp_path.glob('*.pth'):
        content = load_checkpoint(path)
        del content['message_hub']['runtime_info']['run_id']
        save_checkpoint(content, path)
    resume(tmp_path, epochs=3, hook={'max_keep_ckpts': 3, 'save_best': None, 'rule': None})
    resume(tmp_path, epochs=4)
    assert checkpoints(tmp_path) == ['best_AP_epoch_4.pth', 'epoch_4.pth']


def test_mmengines_own_resume_does_not_take_another_runs_state(tmp_path):
    make_runner(tmp_path / 'old', epochs=1).train()
    (tmp_path / 'old').rename(tmp_path / 'new')
    make_runner(tmp_path / 'old', epochs=1).train()
    with pytest.raises(ValueError, match=r'names .*epoch_1.pth, in another folder'):
        make_runner(tmp_path / 'new', epochs=2, resume=True).train()


def test_a_folder_of_the_hooks_own_is_locked_and_resumed_too(tmp_path, monkeypatch):
    """Work dirs of one name, below different folders, share the hook's ``out_dir``."""
    held = []
    monkeypatch.setattr('hrnet_ext.engine.checkpoint_hook.hold_folder', held.append)
    hook = {'out_dir': str(tmp_path / 'out')}
    make_runner(tmp_path / 'a' / 'run', epochs=1, hook=hook).train()
    assert held == [str(tmp_path / 'out' / 'run')]
    source = find_checkpoint('last', str(tmp_path / 'a' / 'run'), held[0])
    resume(tmp_path / 'a' / 'run', source, epochs=2, hook=hook)
    assert checkpoints(held[0]) == ['best_AP_epoch_2.pth', 'epoch_2.pth']

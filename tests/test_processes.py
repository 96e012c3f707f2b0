"""Two processes on CPUs train, validate, and test to the last digit as one does."""

import json
import os
import pickle
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_coco import write_coco

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Run a tool of this checkout on three pictures of two people; its options are added."""
    folder = tmp_path_factory.mktemp('run')
    write_coco(folder / 'data')
    settings = [
        'batch_size=2',
        'num_workers=0',
        'persistent_workers=False',
        f'dataset.data_root={folder / "data"}',
        'dataset.ann_file=people.json',
        'dataset.data_prefix.img=images',
    ]
    options = [
        f'{name}_dataloader.{setting}' for name in ('train', 'val', 'test') for setting in settings
    ]
    options += [
        'randomness.seed=0',
        'train_cfg.max_epochs=1',
        'train_cfg.val_interval=1',
        'default_hooks.logger.interval=1',
    ]

    def call(*command, indices=None):
        more = [] if indices is None else [f'test_dataloader.dataset.indices={indices}']
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        done = subprocess.run(
            [*map(str, command), '--cfg-options', *options, *more],
            cwd=folder,
            capture_output=True,
            text=True,
            env={**os.environ, 'PYTHONPATH': str(ROOT), 'PYTHON': sys.executable,
                 'PORT': str(port), 'OMP_NUM_THREADS': '1'},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    call.folder = folder
    return call


@pytest.fixture(scope='module')
def checkpoint(run):
    """What two processes trained."""
    log = run('bash', ROOT / 'tools/dist_train.sh', 'hrnet_synthetic', 2, '--work-dir', 'trained')
    assert 'Epoch(train) [1][2/2]' in log  # 6 people, 2 x 2 a step
    assert 'coco/AP' in log
    return run.folder / 'trained' / 'epoch_1.pth'


def outcome(path):
    """Metrics, and predictions by person."""
    samples = pickle.loads(path.with_suffix('.pkl').read_bytes())
    people = {s['id']: s['pred_instances'] for s in samples}
    assert len(people) == len(samples)
    return json.loads(path.with_suffix('.json').read_text()), people


# Of six both have three, as in the validation of what they trained
@pytest.mark.parametrize('num_people', [5, pytest.param(6, marks=pytest.mark.exhaustive)])
def test_two_processes_test_as_one(run, checkpoint, num_people):
    results = []
    for name, command in (
        ('one', (sys.executable, ROOT / 'tools/test.py', 'hrnet_synthetic', checkpoint)),
        ('two', ('bash', ROOT / 'tools/dist_test.sh', 'hrnet_synthetic', checkpoint, 2)),
    ):
        path = run.folder / f'{name}_{num_people}'
        run(*command, '--out', f'{path}.json', '--dump', f'{path}.pkl', indices=num_people)
        results.append(outcome(path))
    (metrics, people), (other_metrics, others) = results
    assert metrics == other_metrics
    assert metrics['coco/AP'] >= 0
    assert len(people) == num_people
    assert people.keys() == others.keys()
    for index, found in people.items():
        for key in ('keypoints', 'keypoint_scores'):
            assert np.array_equal(found[key], others[index][key])


@pytest.mark.exhaustive
def test_two_compiled_processes_lose_what_plain_ones_do(run):
    losses = {}
    for name, choice in (('plain', []), ('compiled', ['--compile'])):
        tool = ROOT / 'tools/dist_train.sh'
        log = run('bash', tool, 'hrnet_synthetic', 2, '--work-dir', name, *choice)
        assert 'coco/AP' in log
        losses[name] = [float(loss) for loss in re.findall(r'Epoch\(train\).* loss: (\S+)', log)]
    assert len(losses['plain']) == 2
    # in bf16, which rounds by up to 4e-3: compiled, sums stay in float32 for longer
    assert losses['compiled'] == pytest.approx(losses['plain'], rel=5e-3)
    saved = (torch.load(run.folder / name / 'epoch_1.pth', weights_only=False) for name in losses)
    first, second = (set(each['state_dict']) for each in saved)
    assert first == second

"""What `tools/quickstart.sh` asks of the tools, with stand-ins for all of them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from mmengine.config import Config

from hrnet_ext import config_path
from hrnet_ext.inference.complexity import measure_config

ROOT = Path(__file__).parents[1]
STAND_IN = '#!/bin/sh\necho "${0##*/} $*" >> "$CALLS"\n'


def quickstart(folder: Path, **environment: str) -> tuple[int, list[str]]:
    """Run the script in ``folder``: its exit status, and the command lines it came to."""
    (folder / 'tools').mkdir(parents=True)
    shutil.copy(ROOT / 'tools/quickstart.sh', folder / 'tools')
    (folder / 'tools/setup_env.sh').write_text('')
    binaries = folder / '.venv/bin'
    binaries.mkdir(parents=True)
    for name in ('python', 'mim'):
        (binaries / name).write_text(STAND_IN)
        (binaries / name).chmod(0o755)
    calls = folder / 'calls'
    calls.touch()
    kept = {k: v for k, v in os.environ.items() if not k.startswith('QUICKSTART') and k != 'VENV'}
    script = ['bash', str(folder / 'tools/quickstart.sh')]
    done = subprocess.run(
        script, env={**kept, 'CALLS': str(calls), **environment}, capture_output=True
    )
    return done.returncode, calls.read_text().splitlines()


def test_the_config_alone_decides_by_default(tmp_path):
    status, calls = quickstart(tmp_path)
    assert status == 0
    assert 'python tools/make_synthetic.py data/synthetic/easy --num-train 2000' in calls
    (training,) = [call for call in calls if call.startswith('mim train')]
    assert training == (
        'mim train hrnet_ext configs/hrnet_synthetic.py --work-dir work_dirs/hrnet_synthetic'
    )


def test_another_size_has_folders_of_its_own(tmp_path):
    """Else its pictures or its checkpoint would be reused for the usual size."""
    status, calls = quickstart(tmp_path, QUICKSTART_EPOCHS='2', QUICKSTART_IMAGES='64')
    assert status == 0
    assert 'python tools/make_synthetic.py data/synthetic/easy_64 --num-train 64' in calls
    trained, tested = (call for call in calls if call.startswith('mim'))
    for call in (trained, tested):
        assert ' --work-dir work_dirs/hrnet_synthetic_64_images_2_epochs ' in call
        assert ' train_cfg.max_epochs=2 train_cfg.val_interval=2' in call
        assert ' train_dataloader.dataset.data_root=data/synthetic/easy_64/ ' in call


@pytest.mark.parametrize('name', ['QUICKSTART_EPOCHS', 'QUICKSTART_IMAGES'])
@pytest.mark.parametrize('value', ['0', '-1', 'many', '1.5'])
def test_other_than_whole_numbers_are_refused(tmp_path, name, value):
    assert quickstart(tmp_path, **{name: value}) == (1, [])


def test_training_fits_into_five_minutes_of_a_core_with_avx2():
    """A step of 16 people at .25 s, as measured, is 8.2e12 multiply-adds in that time."""
    config = Config.fromfile(config_path('hrnet_synthetic'))
    forward = sum(part.multiply_adds for part in measure_config(config).values())
    people = 2816  # in the 2000 pictures, filled up to whole batches
    with_gradients = 3 * forward  # of the weights and of the inputs
    assert with_gradients * people * config.train_cfg.max_epochs < 8.2e12

"""A training from rendered people to AP, and what the modes of inference do to its keypoints."""

from __future__ import annotations

import atexit
import copy
import json
import shutil
import subprocess
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import numpy as np

from hrnet_ext.acceleration import optimize
from hrnet_ext.engine.run_config import read_config
from hrnet_ext.export.check import Reference
from hrnet_ext.export.model import describe, load_model
from hrnet_ext.export.real_crops import rendered_crops
from tests.gpu_check.items import Check, Figures, Group, Skipped
from tests.gpu_check.networks import demand

GROUP = Group()
ROOT = Path(__file__).parents[2]
CONFIG = 'hrnet_synthetic'
FOLDER = Path(tempfile.mkdtemp(prefix='hrnet_ext_gpu_check_'))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
LEAST_AP = 0.05  # two epochs are little; nothing learned is 0
MODES = ('fp32', 'bf16', 'fp16')


def _tool(name: str, *arguments: str) -> float:
    """Run one of our command-line tools; the seconds it took."""
    start = time.perf_counter()
    command = [sys.executable, str(ROOT / 'tools' / f'{name}.py'), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, (done.stderr or done.stdout)[-300:]
    return time.perf_counter() - start


@lru_cache
def _trained(num_train: int, num_val: int) -> tuple[str, Figures]:
    """A checkpoint of two epochs, and what it took."""
    data, work = FOLDER / f'data_{num_train}', FOLDER / f'work_{num_train}'
    rendering = _tool(
        'make_synthetic', str(data), '--num-train', str(num_train), '--num-val', str(num_val)
    )
    options = [
        f'{split}_dataloader.dataset.data_root={data}/' for split in ('train', 'val', 'test')
    ]
    options += ['train_cfg.max_epochs=2', 'train_cfg.val_interval=2']
    training = _tool('train', CONFIG, '--work-dir', str(work), '--cfg-options', *options)
    metrics = work / 'metrics.json'
    where = ('--work-dir', str(work), '--out', str(metrics))
    testing = _tool('test', CONFIG, 'last', *where, '--cfg-options', *options)
    ap = json.loads(metrics.read_text())['coco/AP']
    seconds = {'rendering, s': rendering, 'training, s': training, 'testing, s': testing}
    return str(work / 'epoch_2.pth'), {'AP': ap, **seconds}


def _sizes(check: Check) -> tuple[int, int]:
    return (24, 8) if check.quick else (2000, 200)


@GROUP.item('two epochs of hrnet_synthetic by the command line: rendered, trained, tested')
def two_epochs(check: Check) -> Figures:
    _, figures = _trained(*_sizes(check))
    assert check.quick or figures['AP'] > LEAST_AP, figures
    return figures


for _mode in MODES:

    @GROUP.item(f'optimize {_mode}, that network: keypoints move by < .1 px at the median')
    def keypoints(check: Check, mode: str = _mode) -> Figures:
        if not check.is_cuda and mode == 'fp16':
            raise Skipped('fp16 needs a GPU')
        checkpoint, _ = _trained(*_sizes(check))
        cfg = read_config(CONFIG, [])
        model = load_model(cfg, checkpoint).to(check.device)
        metadata = describe(cfg, model, normalizes=True, flip_test=True, precision='fp32')
        crops = rendered_crops(metadata, 4 if check.quick else 64)
        wanted, found = (
            Reference.of(each, metadata, crops).keypoints
            for each in (model, optimize(copy.deepcopy(model), mode))
        )
        distances = np.linalg.norm(found - wanted, axis=-1)
        median = float(np.median(distances))
        return {
            'median, px': median if check.quick else demand(median, 0.1, 'keypoints'),
            'within 1 px': float((distances < 1).mean()),
        }

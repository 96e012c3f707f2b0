"""Whole test runs (loading, crops, network, flip test, decoding, metric), and how they grow."""

from __future__ import annotations

import copy
import gc
import json
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.runner import Runner
from torch.utils.benchmark import timer

from benchmarks.bench import Bench
from benchmarks.comparison import MMPOSE, Call
from benchmarks.models import Models
from benchmarks.processes import peak_memory
from benchmarks.samples import first_persons, render_persons

MOST_ROUNDS = 3  # a run of W32 on 500 persons takes minutes
FEW = 4  # persons, to warm up
NOTE = (
    'Runner.test(): annotations, images, crops, network on crops and mirrored crops, decoding, '
    'metric; optimizing and compiling are included'
)
NO_AP = 'weights are random: AP says nothing; --checkpoint gives trained ones'
GROWTH_CONFIG = 'hrnet_synthetic'  # small: the table is about everything around the network
GROWTH_NOTE = 'one run each; "KiB per person more": growth of the peak since the size before'


def run_test(bench: Bench) -> None:
    """A table. AP and the keypoints themselves take the place of a check beforehand."""
    options = bench.options
    bench.say('test: rendering')
    folder = render_persons(bench.folder, options.people)
    models = Models.of(options)
    bench.say('test: warm-up')
    few = Runs(models, folder, FEW, bench.folder / 'few', workers=0)
    for name in (MMPOSE, 'ours, off'):  # loads what is loaded once
        few.runner(name).test()
    runs = Runs(models, folder, options.people, bench.folder / 'test', workers=options.workers)
    runners: dict[str, Runner] = {}
    metrics: dict[str, dict[str, float]] = {}

    def build(name: str) -> Call:
        return lambda: metrics.update({name: runners.pop(name).test()})

    def prepare(name: str) -> None:
        gc.collect()  # ends the workers of the last run, which the next one would wait for
        runners[name] = runs.runner(name)

    comparison = bench.comparison()
    for name in (MMPOSE, *[f'ours, {mode}' for mode in options.modes]):
        comparison.add(name, partial(build, name), prepare=partial(prepare, name))
    bench.measure(
        comparison,
        f'test: {options.config} {models}, {runs.num_persons} rendered people, flip test, '
        f'{options.workers} workers',
        'person', items=runs.num_persons, warm_up=0, difference=None,
        rounds=min(options.rounds, 1 if options.quick else MOST_ROUNDS),
        extra={
            'AP': lambda name: 100 * metrics[name]['coco/AP'],
            'keypoints off by, px': runs.median_distance,
        },
        notes=[NOTE] if options.checkpoint else [NOTE, NO_AP],
    )  # fmt: skip


def run_growth(bench: Bench) -> None:
    """A table with a row for each entry and number of persons, each in a process of its own."""
    options = bench.options
    bench.say('growth: rendering')
    folder = render_persons(bench.folder, max(options.growth))
    table = bench.report.table(
        f'growth: test runs of {GROWTH_CONFIG}, each in a process of its own, no workers',
        'entry', 'people', 's', 'ms per person', 'peak memory, MiB', 'KiB per person more',
        notes=[GROWTH_NOTE],
    )  # fmt: skip
    where = folder, bench.folder / 'growth'
    for name in (MMPOSE, 'ours, fp32'):
        before = None
        for size in options.growth:
            found = bench.in_child(table, measure_run, name, options.device, size, *where)
            if found:
                num, seconds, peak = found
                more = before and (peak - before[1]) * 2**10 / (num - before[0])
                table.add(name, num, seconds, 1e3 * seconds / num, peak, more)
                before = num, peak


def measure_run(
    name: str, device: str, size: int, folder: Path, work_dir: Path
) -> tuple[int, float, float]:
    """Number of persons, seconds, and peak memory of the process in MiB."""
    runs = Runs(Models(GROWTH_CONFIG, device), folder, size, work_dir, workers=0)
    runner = runs.runner(name)
    start = timer()
    runner.test()
    return runs.num_persons, timer() - start, peak_memory('cpu')


class Runs:
    """Makes runners that test one model on the same persons.

    Args:
        models: Ours and MMPose's.
        folder: Of :func:`benchmarks.samples.render_persons`.
        num: Persons.
        work_dir: For weights, logs and predictions.
        workers: Of the data loader.

    Raises:
        ValueError: If MMEngine's runner, which chooses by itself, would take another device.
    """

    def __init__(
        self, models: Models, folder: Path, num: int, work_dir: Path, *, workers: int
    ) -> None:
        if torch.device(models.device).type != get_device():
            raise ValueError(
                f"MMEngine's runner takes {get_device()}, not {models.device}; set "
                'CUDA_VISIBLE_DEVICES= to leave it the CPU only'
            )
        self._models, self._folder, self._work_dir = models, folder, work_dir
        self._annotations, self.num_persons = first_persons(folder, num)
        self._workers, self._numbers = workers, count()
        work_dir.mkdir(parents=True, exist_ok=True)
        torch.save(models.weights, work_dir / 'weights.pth')

    def runner(self, name: str) -> Runner:
        """A new runner: ``'MMPose'``, or ``'ours, '`` and a mode of ``hrnet_ext.optimize``."""
        cfg = copy.deepcopy(self._models.mmpose_cfg if name == MMPOSE else self._models.cfg)
        mode = name.partition(', ')[2]
        if mode not in ('', 'off'):
            hook = {'type': 'hrnet_ext.OptimizeHook', 'mode': mode}
            cfg.custom_hooks = [*cfg.get('custom_hooks', []), hook]
        loader = cfg.test_dataloader
        loader.update(num_workers=self._workers, persistent_workers=self._workers > 0)
        where = {'data_root': str(self._folder), 'ann_file': self._annotations}
        loader.dataset.update(**where, data_prefix={'img': 'val2017/'}, bbox_file=None)
        cfg.test_evaluator.update(
            ann_file=str(self._folder / self._annotations),
            outfile_prefix=str(self._work_dir / name),
        )
        cfg.work_dir, cfg.log_level = str(self._work_dir), 'ERROR'
        cfg.load_from = str(self._work_dir / 'weights.pth')
        cfg.experiment_name = f'{self._work_dir.name}_{next(self._numbers)}'
        return Runner.from_cfg(cfg)

    def median_distance(self, name: str) -> float | None:
        """From MMPose's keypoints to the nearest person's of the same image, in image pixels."""
        wanted, found = self._poses(MMPOSE), self._poses(name)
        if name == MMPOSE or not wanted:
            return None
        distances = [
            np.linalg.norm(pose - found[image], axis=-1).mean(-1).min()
            for image, poses in wanted.items()
            for pose in poses
            if image in found
        ]
        return float(np.median(distances))

    def _poses(self, name: str) -> dict[int, list[np.ndarray]]:
        """Keypoints (K, 2) of each person by image, as a runner of that name has written them."""
        path = self._work_dir / f'{name}.keypoints.json'
        poses: dict[int, list] = {}
        for result in json.loads(path.read_text()) if path.exists() else []:
            keypoints = np.reshape(result['keypoints'], (-1, 3))[:, :2]
            poses.setdefault(result['image_id'], []).append(keypoints)
        return poses

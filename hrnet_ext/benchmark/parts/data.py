"""Photographs to samples, on one thread: MMPose's data set and pipeline, and ours."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.registry import init_default_scope

from hrnet_ext.apis.run_config import read_config
from hrnet_ext.benchmark.contest import Call
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.parts.data_loader import time_loaders
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.timing_table import MILLI, add_timings, timing_columns
from hrnet_ext.benchmark.twin_data import mmpose_dataset, our_dataset

BASELINE, OURS, REDUCED = 'MMPose', 'ours', 'ours, JPEGs read at reduced size'
OFF_BY = {REDUCED: 1.0}  # share of pixels that may differ: of others none, they are to be equal
CONFIG = 'hrnet_w32_coco'  # whatever the network is: photographs are cropped to 256x192
ANNOTATIONS = 'annotations/person_keypoints_train2017.json'
IMAGES = 'train2017/'
QUICK_SAMPLES = 20
TARGETS_NOTE = (
    "MMPose's samples carry heatmaps; ours carry keypoints, encoded in the training step: "
    'that time is in the part train'
)


def run(options: Options, report: Report, stage: Stage) -> None:
    """A table each for training and test samples, and how long each step takes.

    Raises:
        ValueError: If no folder of photographs is given.
    """
    if options.data is None:
        raise ValueError("the part data needs photographs: --data FOLDER, in COCO's layout")
    init_default_scope('mmpose')
    with _one_thread():
        for split in ('train', 'test'):
            stage.say(f'{split} samples, reading annotations')
            _split(split, options, report, stage)


def _split(split: str, options: Options, report: Report, stage: Stage) -> None:
    datasets = _datasets(split, options.data)
    num = min(map(len, datasets.values()))
    num = min(num, QUICK_SAMPLES) if options.quick else num
    line_up = LineUp()
    for name, dataset in datasets.items():
        samples = partial(_all_samples, dataset, _order(split, num))
        line_up.enter(name, samples, tolerance=OFF_BY.get(name, 0.0))
    line_up.check(BASELINE, _share_of_pixels)
    contest = stage.contest(line_up)
    extra = {'pixels that differ': line_up.differences.get}
    table = report.table(
        f'data: {split} samples, {num} of {Path(options.data).name}, one thread',
        *timing_columns('sample', tuple(extra), BASELINE),
    )
    if split == 'train':
        table.notes.append(TARGETS_NOTE)
    finish = partial(add_timings, table, contest, items=num, baseline=BASELINE, extra=extra)
    stage.run(contest, f'{split} samples', finish=finish, warm_up=1)
    _stages(split, datasets, num, (options, report, stage))
    if split == 'train':
        time_loaders(_where(options.data), options, report, stage)


def _datasets(split: str, folder: str) -> dict[str, Any]:
    cfg, where = read_config(CONFIG, []), _where(folder)
    datasets = {
        BASELINE: mmpose_dataset(cfg, split, **where),
        OURS: our_dataset(cfg, split, **where),
    }
    if split == 'train':
        pipeline = list(copy.deepcopy(cfg.train_dataloader.dataset.pipeline))
        pipeline[0]['reduce_for'] = cfg.codec.input_size
        datasets[REDUCED] = our_dataset(cfg, split, pipeline=pipeline, **where)
    return datasets


def _where(folder: str) -> dict[str, Any]:
    """The settings of a data set that say which files it reads."""
    return {
        'data_root': folder, 'ann_file': ANNOTATIONS, 'data_prefix': {'img': IMAGES},
        'bbox_file': None,
    }  # fmt: skip


def _order(split: str, num: int) -> list[int]:
    """As the split's samples are read: people of an image one after another only in testing."""
    return list(range(num) if split == 'test' else np.random.default_rng(0).permutation(num))


def _all_samples(dataset: Any, order: list[int]) -> Call:
    def call() -> list[torch.Tensor]:
        np.random.seed(0)  # the steps of both draw from NumPy's global state
        return [dataset[index]['inputs'] for index in order]

    return call


def _share_of_pixels(found: list[torch.Tensor], wanted: list[torch.Tensor]) -> float:
    """The share of values that are not equal."""
    different = sum(int((a != b).sum()) for a, b in zip(found, wanted))
    return different / sum(each.numel() for each in wanted)


def _stages(split: str, datasets: dict[str, Any], num: int, where: tuple) -> None:
    """A table of what each step takes, by its name."""
    options, report, stage = where
    stage.say(f'{split} samples, step by step')
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in datasets}
    for _ in range(options.rounds):
        for name, dataset in datasets.items():
            np.random.seed(0)
            rounds[name].append(_one_pass(dataset, _order(split, num), stage.clock))
    medians = {
        name: {step: float(np.median([each[step] for each in of])) for step in of[0]}
        for name, of in rounds.items()
    }
    table = report.table(f'data: {split} samples, ms a step', 'step', *datasets)
    steps = {step: None for of in medians.values() for step in of}  # in order, once
    for step in steps:
        table.add(step, *[medians[name].get(step) for name in datasets])
    table.add('sum', *[sum(medians[name].values()) for name in datasets])


def _one_pass(dataset: Any, order: list[int], clock: Callable[[], float]) -> dict[str, float]:
    """Milliseconds per sample of each step."""
    spent: dict[str, float] = {}

    def timed(name: str, function: Callable, *args: Any) -> Any:
        start = clock()
        result = function(*args)
        spent[name] = spent.get(name, 0.0) + clock() - start
        return result

    for index in order:
        sample = timed('annotation', dataset.get_data_info, index)
        for step in dataset.pipeline.transforms:
            sample = timed(type(step).__name__, step, sample)
    return {name: seconds * MILLI / len(order) for name, seconds in spent.items()}


@contextmanager
def _one_thread() -> Iterator[None]:
    """As in a data loader's worker."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])

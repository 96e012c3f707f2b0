"""Photographs to samples, on one thread and through a data loader: MMPose's pipeline and ours."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, init_default_scope
from mmengine.runner import Runner

from benchmarks.bench import Bench
from benchmarks.comparison import MMPOSE, Call
from benchmarks.models import mmpose_config
from hrnet_ext.engine.run_config import read_config

OURS, REDUCED = 'ours', 'ours, JPEGs read at reduced size'
OFF_BY = {REDUCED: 1.0}  # share of pixels that may differ; all others are to be equal
CONFIG = 'hrnet_w32_coco'  # whatever the network: photographs are cropped to 256x192
QUICK_SAMPLES = 20
BATCH = 16
TIMEOUT = 120  # seconds without an answer of a data loader's worker
EPOCHS = 2  # in one timing
TARGETS_NOTE = (
    "MMPose's samples carry heatmaps; ours carry keypoints, encoded in the training step: "
    'that time is in the part train'
)
CLOCK_NOTE = "this process's time alone, without that of the workers"


def run_data(bench: Bench) -> None:
    """Tables of training and test samples, of single transforms, and of data loaders.

    Raises:
        ValueError: If no folder of photographs is given.
    """
    if bench.options.data is None:
        raise ValueError("the part data needs photographs: --data FOLDER, in COCO's layout")
    init_default_scope('mmpose')
    ours = read_config(CONFIG, [])
    configs = {MMPOSE: mmpose_config(ours), OURS: ours}
    for cfg in configs.values():
        for loader in (cfg.train_dataloader, cfg.test_dataloader):
            loader.dataset.update(
                data_root=bench.options.data, data_prefix={'img': 'train2017/'}, bbox_file=None,
                ann_file='annotations/person_keypoints_train2017.json',
            )  # fmt: skip
    configs[REDUCED] = copy.deepcopy(ours)
    configs[REDUCED].train_dataloader.dataset.pipeline[0].reduce_for = ours.codec.input_size
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1), cv2.setNumThreads(0)  # as in a data loader's worker
    try:
        _samples(bench, 'train', configs)
        _loaders(bench, configs)
        _samples(bench, 'test', {name: configs[name] for name in (MMPOSE, OURS)})
    finally:
        torch.set_num_threads(threads[0]), cv2.setNumThreads(threads[1])


def _samples(bench: Bench, split: str, configs: dict[str, Config]) -> None:
    bench.say(f'data: {split} samples, reading annotations')
    datasets = {
        name: DATASETS.build(copy.deepcopy(cfg[f'{split}_dataloader'].dataset))
        for name, cfg in configs.items()
    }
    num = min(map(len, datasets.values()))
    num = min(num, QUICK_SAMPLES) if bench.options.quick else num
    order = np.arange(num)  # persons of an image follow one another
    order = order if split == 'test' else np.random.default_rng(0).permutation(order)

    def read(dataset: Any) -> list[torch.Tensor]:
        np.random.seed(0)  # both pipelines draw from NumPy's global state
        return [dataset[int(index)]['inputs'] for index in order]

    comparison = bench.comparison()
    for name, dataset in datasets.items():
        build = partial(partial, read, dataset)
        comparison.add(name, build, tolerance=OFF_BY.get(name, 0.0))
    bench.measure(
        comparison,
        f'data: {split} samples, {num} of {Path(bench.options.data).name}, one thread', 'sample',
        items=num, difference=_share_of_pixels, off_by='pixels that differ', warm_up=1,
        notes=[TARGETS_NOTE] if split == 'train' else [],
    )  # fmt: skip
    _transforms(bench, split, datasets, order)


def _share_of_pixels(found: list[torch.Tensor], wanted: list[torch.Tensor]) -> float:
    different = sum(int((a != b).sum()) for a, b in zip(found, wanted))
    return different / sum(each.numel() for each in wanted)


def _transforms(bench: Bench, split: str, datasets: dict[str, Any], order: np.ndarray) -> None:
    """A table of the time of each transform, by its name; medians of the rounds."""
    rounds: dict[tuple[str, str], list[float]] = {}
    for _ in range(bench.options.rounds):
        for name, dataset in datasets.items():
            bench.say(f'data: {split} samples, transforms of {name}')
            for step, milliseconds in _one_pass(bench, dataset, order).items():
                rounds.setdefault((step, name), []).append(milliseconds)
    table = bench.report.table(f'data: {split} samples, ms a step', 'step', *datasets)
    medians = {key: float(np.median(times)) for key, times in rounds.items()}
    for step in dict.fromkeys(step for step, _ in medians):
        table.add(step, *[medians.get((step, name)) for name in datasets])
    sums = [sum(x for (_, each), x in medians.items() if each == name) for name in datasets]
    table.add('sum', *sums)


def _one_pass(bench: Bench, dataset: Any, order: np.ndarray) -> dict[str, float]:
    """Milliseconds per sample of each transform."""
    steps = {type(step).__name__: step for step in dataset.pipeline.transforms}
    steps = {'annotation': dataset.get_data_info, **steps}
    seconds = dict.fromkeys(steps, 0.0)
    np.random.seed(0)
    for sample in order.tolist():
        for name, step in steps.items():
            start = bench.clock()
            sample = step(sample)
            seconds[name] += bench.clock() - start
    return {name: 1e3 * each / len(order) for name, each in seconds.items()}


def _loaders(bench: Bench, configs: dict[str, Config]) -> None:
    """A table of training samples through workers, collation and the data preprocessor."""
    options = bench.options
    num_samples: list[int] = []
    settings = {
        'batch_size': BATCH, 'num_workers': options.workers,
        'persistent_workers': options.workers > 0, 'timeout': TIMEOUT if options.workers else 0,
    }  # fmt: skip

    def build(name: str) -> Call:
        loader = Runner.build_dataloader({**configs[name].train_dataloader, **settings}, seed=0)
        num_samples.append(EPOCHS * len(loader.dataset))
        normalize = MODELS.build(configs[name].model.data_preprocessor).to(options.device)

        def call() -> int:
            sizes = [
                len(normalize(batch, training=True)['inputs'])
                for _ in range(EPOCHS)
                for batch in loader
            ]
            return sum(sizes)

        return call

    comparison = bench.comparison()
    for name in (MMPOSE, OURS):
        comparison.add(name, partial(build, name))
    bench.measure(
        comparison,
        f'data: training samples through {options.workers} workers, batches of {BATCH}, to '
        f'normalized images on {options.device}',
        'sample', items=max(num_samples, default=1), warm_up=1,
        notes=[CLOCK_NOTE] if options.clock == 'cpu' else [],
    )  # fmt: skip

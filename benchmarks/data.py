"""Photographs to samples, on one thread and through a data loader: MMPose's pipeline and ours."""

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
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, init_default_scope
from mmengine.runner import Runner

from benchmarks.bench import Bench
from benchmarks.comparison import MMPOSE, Call
from benchmarks.models import mmpose_config
from hrnet_ext.apis.run_config import read_config

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
    with _one_thread():
        _samples(bench, 'train', configs)
        _loaders(bench, configs)
        _samples(bench, 'test', {name: configs[name] for name in (MMPOSE, OURS)})


def _samples(bench: Bench, split: str, configs: dict[str, Config]) -> None:
    title = f'data: {split} samples'
    bench.say(f'{title}: reading annotations')
    datasets = {
        name: DATASETS.build(copy.deepcopy(cfg[f'{split}_dataloader'].dataset))
        for name, cfg in configs.items()
    }
    num = min(map(len, datasets.values()))
    num = min(num, QUICK_SAMPLES) if bench.options.quick else num
    # Persons of an image follow one another only in testing
    order = range(num) if split == 'test' else np.random.default_rng(0).permutation(num)
    comparison = bench.comparison()
    for name, dataset in datasets.items():
        build = partial(_all_samples, dataset, order)
        comparison.add(name, build, tolerance=OFF_BY.get(name, 0.0))
    comparison.check(_share_of_pixels)
    bench.measure(
        comparison, f'{title}, {num} of {Path(bench.options.data).name}, one thread', 'sample',
        items=num, extra={'pixels that differ': comparison.differences.get},
        notes=[TARGETS_NOTE] if split == 'train' else [], warm_up=1,
    )  # fmt: skip
    _transforms(bench, title, datasets, order)


def _all_samples(dataset: Any, order: list[int]) -> Call:
    def call() -> list[torch.Tensor]:
        np.random.seed(0)  # both pipelines draw from NumPy's global state
        return [dataset[int(index)]['inputs'] for index in order]

    return call


def _share_of_pixels(found: list[torch.Tensor], wanted: list[torch.Tensor]) -> float:
    different = sum(int((a != b).sum()) for a, b in zip(found, wanted))
    return different / sum(each.numel() for each in wanted)


def _transforms(bench: Bench, title: str, datasets: dict[str, Any], order: list[int]) -> None:
    """A table of the time of each transform, by its name."""
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in datasets}
    for _ in range(bench.options.rounds):
        for name, dataset in datasets.items():
            bench.say(f'{title}: transforms of {name}')
            rounds[name].append(_one_pass(dataset, order, bench.clock))
    medians = {
        name: {step: float(np.median([each[step] for each in passes])) for step in passes[0]}
        for name, passes in rounds.items()
    }
    table = bench.report.table(f'{title}, ms a step', 'step', *datasets)
    for step in dict.fromkeys(step for steps in medians.values() for step in steps):
        table.add(step, *[medians[name].get(step) for name in datasets])
    table.add('sum', *[sum(medians[name].values()) for name in datasets])


def _one_pass(dataset: Any, order: list[int], clock: Callable[[], float]) -> dict[str, float]:
    """Milliseconds per sample of each transform."""
    steps = {type(step).__name__: step for step in dataset.pipeline.transforms}
    steps = {'annotation': dataset.get_data_info, **steps}
    seconds = dict.fromkeys(steps, 0.0)
    np.random.seed(0)
    for index in order:
        sample: Any = int(index)
        for name, step in steps.items():
            start = clock()
            sample = step(sample)
            seconds[name] += clock() - start
    return {name: 1e3 * each / len(order) for name, each in seconds.items()}


def _loaders(bench: Bench, configs: dict[str, Config]) -> None:
    """A table of training samples through workers, collation and the data preprocessor."""
    options = bench.options
    comparison, num_samples = bench.comparison(), {}
    for name in (MMPOSE, OURS):
        comparison.add(name, partial(_epochs, bench, configs[name], num_samples))
    comparison.check()
    bench.measure(
        comparison,
        f'data: training samples through {options.workers} workers, batches of {BATCH}, to '
        f'normalized images on {options.device}',
        'sample', items=num_samples.get('per call', 1), warm_up=1,
        notes=[CLOCK_NOTE] if options.clock == 'cpu' else [],
    )  # fmt: skip


def _epochs(bench: Bench, cfg: Config, num_samples: dict[str, int]) -> Call:
    workers = bench.options.workers
    loader = copy.deepcopy(cfg.train_dataloader)
    loader.update(
        batch_size=BATCH, num_workers=workers, persistent_workers=workers > 0,
        timeout=TIMEOUT if workers else 0,
    )  # fmt: skip
    batches = Runner.build_dataloader(loader, seed=0)
    normalize = MODELS.build(cfg.model.data_preprocessor).to(torch.device(bench.options.device))

    def call() -> int:
        sizes = [
            len(normalize(batch, training=True)['inputs'])
            for _ in range(EPOCHS)
            for batch in batches
        ]
        num_samples['per call'] = sum(sizes)
        return sum(sizes)

    return call


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

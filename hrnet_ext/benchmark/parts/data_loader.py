"""From photographs to normalized images on the device, through the workers of a data loader."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from mmengine.registry import MODELS
from mmengine.runner import Runner

from hrnet_ext.apis.run_config import read_config
from hrnet_ext.benchmark.contest import Call
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.timing_table import add_timings, timing_columns
from hrnet_ext.benchmark.twin_data import mmpose_loader_config
from hrnet_ext.benchmark.twins import mmpose_model

BASELINE, OURS = 'MMPose', 'ours'
CONFIG = 'hrnet_w32_coco'
BATCH = 16
TIMEOUT = 120  # seconds
EPOCHS = 2  # in a timing: the first batch of each waits for all that is done to it


def time_loaders(where: dict[str, Any], options: Options, report: Report, stage: Stage) -> None:
    """A table of training samples through workers, collation and the data preprocessor.

    Args:
        where: Which files the data sets read.
        options, report, stage: The part's.
    """
    cfg = read_config(CONFIG, [])
    loaders = {
        BASELINE: (mmpose_loader_config(cfg, 'train'), mmpose_model(cfg.model)),
        OURS: (cfg.train_dataloader, cfg.model),
    }
    made: dict[str, int] = {}
    line_up = LineUp()
    for name, (loader, model) in loaders.items():
        loader = {**loader, 'dataset': {**loader['dataset'], **where}}
        loader.update(batch_size=BATCH, num_workers=options.workers)
        loader.update(persistent_workers=options.workers > 0)
        loader.update(timeout=TIMEOUT if options.workers else 0)  # a broken worker answers never
        images = model['data_preprocessor']
        line_up.enter(name, partial(_epochs, loader, images, options, made, name))
    line_up.check(BASELINE)
    contest = stage.contest(line_up)
    num = made.get(BASELINE) or made.get(OURS) or 1
    table = report.table(
        f'data: training samples through {options.workers} workers, batches of {BATCH}, to '
        f'normalized images on {options.device}',
        *timing_columns('sample', (), BASELINE),
    )
    if options.clock == 'cpu':
        table.notes.append("this process's time alone: what the workers spend is not in it")
    finish = partial(add_timings, table, contest, items=num, baseline=BASELINE)
    stage.run(contest, 'training samples through workers', finish=finish, warm_up=1)


def _epochs(
    loader: dict[str, Any],
    data_preprocessor: dict[str, Any],
    options: Options,
    made: dict[str, int],
    name: str,
) -> Call:
    loader = Runner.build_dataloader(loader, seed=0)
    normalize = MODELS.build(data_preprocessor).to(torch.device(options.device))

    def call() -> int:
        made[name] = 0
        for _ in range(EPOCHS):
            for batch in loader:
                made[name] += len(normalize(batch, training=True)['inputs'])
        return made[name]

    return call

"""Whether training in bf16 learns as training in fp32 does, on rendered people."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope

from hrnet_ext.apis.run_config import read_config
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.rendered import render
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.twin_data import our_dataset

CONFIG = 'hrnet_synthetic'
SEEDS = (0, 1, 2)
LEARNING_RATE = 1e-3
PRECISIONS: dict[str, dict[str, Any]] = {
    'fp32': {'type': 'OptimWrapper'},
    'bf16': {'type': 'hrnet_ext.AmpOptimWrapper', 'dtype': 'bfloat16'},
}
PIECES = 4  # of the curve, whose means stand in the table


def compare_curves(options: Options, report: Report, stage: Stage) -> None:
    """A table of the losses of both precisions, of several initial weights each.

    The same batches in the same order; what the initial weights alone make of the loss is the
    noise that the difference of the precisions is compared with.
    """
    init_default_scope('mmpose')
    cfg = read_config(CONFIG, [])
    batches = _batches(cfg, options.loss_curve, stage)
    curves: dict[str, list[np.ndarray]] = {name: [] for name in PRECISIONS}
    ends = np.linspace(0, options.loss_curve, PIECES + 1).astype(int)[1:]
    table = report.table(
        f'train: loss of {options.loss_curve} steps of {CONFIG} on rendered people, '
        f'batch {len(batches[0]["inputs"])}',
        'steps', *[f'{name}, {len(SEEDS)} weights (range)' for name in PRECISIONS],
        'bf16 over fp32', 'over range',
    )  # fmt: skip
    table.notes.append(
        'mean loss of the steps; "over range": difference of the means / range of fp32'
    )
    for seed in SEEDS:
        for name, wrapper in PRECISIONS.items():
            stage.say(f'loss curve, {name}, weights {seed}')
            losses = _train(cfg, batches, wrapper, seed, options.device)
            curves[name].append(np.array([each.mean() for each in np.split(losses, ends[:-1])]))
    for index, end in enumerate(ends):
        fp32, bf16 = (np.array([each[index] for each in curves[name]]) for name in PRECISIONS)
        difference = bf16.mean() - fp32.mean()
        table.add(
            f'{0 if index == 0 else ends[index - 1]}-{end}',
            *[f'{each.mean():.3g} ({each.min():.3g}-{each.max():.3g})' for each in (fp32, bf16)],
            f'{difference / fp32.mean():+.1%}',
            float(abs(difference) / np.ptp(fp32)),
        )


def _batches(cfg: Any, steps: int, stage: Stage) -> list[dict[str, Any]]:
    batch = cfg.train_dataloader.batch_size
    folder = render(stage, num_train=min(steps * batch, 1000), num_val=1)
    dataset = our_dataset(cfg, 'train', data_root=str(folder))
    np.random.seed(0)
    order = np.random.default_rng(0).integers(0, len(dataset), (steps, batch))
    stage.say('loss curve, reading samples')
    return [pseudo_collate([dataset[int(index)] for index in row]) for row in order]


def _train(
    cfg: Any, batches: list[dict[str, Any]], wrapper: dict[str, Any], seed: int, device: str
) -> np.ndarray:
    """The loss of every step."""
    torch.manual_seed(seed)
    model = MODELS.build(copy.deepcopy(cfg.model)).to(device).train()
    optimizer = {'type': 'Adam', 'lr': LEARNING_RATE}
    optim_wrapper = build_optim_wrapper(model, {**wrapper, 'optimizer': optimizer})
    losses = []
    for batch in batches:
        given = {**batch, 'data_samples': [sample.clone() for sample in batch['data_samples']]}
        losses.append(model.train_step(given, optim_wrapper)['loss_kpt'].detach())
    return torch.stack(losses).float().cpu().numpy()

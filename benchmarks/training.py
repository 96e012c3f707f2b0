"""A training step of MMPose and of ours in each precision; memory; on request the loss curve."""

from __future__ import annotations

import argparse
import copy
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import DATASETS, FUNCTIONS, MODELS, TRANSFORMS, init_default_scope
from torch.utils.data._utils.pin_memory import pin_memory

from benchmarks.bench import Bench
from benchmarks.comparison import MMPOSE, Call
from benchmarks.models import Models, exact_off_by
from benchmarks.processes import peak_memory, reset_peak_memory
from benchmarks.samples import cropped, packed, render
from hrnet_ext.engine.run_config import read_config
from hrnet_ext.precision import choice_for

ADAM = {'type': 'Adam', 'lr': 5e-4}
FUSED = {**ADAM, 'fused': True}
OUR_AMP = {'type': 'hrnet_ext.AmpOptimWrapper', 'optimizer': FUSED}
WITH_TARGETS, AS_CONFIGURED = 'MMPose, targets made', 'ours, as configured'
# Optimizer wrappers: MMPose's as its configs and options set them, and our fastest settings
THEIRS: dict[str, dict[str, Any]] = {
    MMPOSE: {'type': 'OptimWrapper', 'optimizer': ADAM},
    WITH_TARGETS: {'type': 'OptimWrapper', 'optimizer': ADAM},
    'MMPose, --amp': {'type': 'AmpOptimWrapper', 'optimizer': ADAM},
}
OURS: dict[str, dict[str, Any]] = {  # the model is channels-last, too
    'ours, fp32': {'type': 'OptimWrapper', 'optimizer': FUSED},
    'ours, bf16': {**OUR_AMP, 'dtype': 'bfloat16'},
    'ours, fp16': {**OUR_AMP, 'dtype': 'float16'},
}
RECOMPUTED = ', with_cp'  # gradient checkpointing: less memory, more time
HALF_OFF_BY = 0.05  # of the first loss
TARGETS_NOTE = (
    'forward, loss, accuracy, backward, Adam. MMPose makes targets in its pipeline: '
    f'"{WITH_TARGETS}" adds that time, on one thread; our steps always include it'
)
MEMORY_NOTE = {
    'cuda': 'memory of tensors on the device',
    'cpu': 'resident memory of the process, some 800 MiB of imported libraries included',
}
CURVE_CONFIG, CURVE_IMAGES, CURVE_PARTS = 'hrnet_synthetic', 1000, 4
SEEDS = (0, 1, 2)
CURVE_NOTE = 'mean loss of the steps; "over range": difference of the means / range of fp32'


def run_train(bench: Bench) -> None:
    """A table of times, one of memory, and on request one of losses."""
    _times(bench)
    if not bench.options.in_process:
        _memory(bench)
    if bench.options.loss_curve:
        _loss_curves(bench)


def names_of(device: str) -> list[str]:
    """The entries on a device; on CPUs MMPose has no half precision."""
    if torch.device(device).type == 'cuda':
        return [*THEIRS, AS_CONFIGURED, *OURS, f'ours, fp16{RECOMPUTED}']
    # Emulated bf16 is slower than fp32: a step would take minutes
    ours = ['ours, fp32', *([] if choice_for(device).emulates_bf16 else ['ours, bf16'])]
    return [MMPOSE, WITH_TARGETS, AS_CONFIGURED, *ours, f'{ours[-1]}{RECOMPUTED}']


def build_step(name: str, models: Models, batch: int) -> Call:
    """An entry's training step, from the weights that all entries begin with."""
    if name in THEIRS:
        return _mmpose_step(name, models, batch)
    wrapper, changes = models.cfg.optim_wrapper.to_dict(), {}
    if name != AS_CONFIGURED:
        wrapper = copy.deepcopy(OURS[name.removesuffix(RECOMPUTED)])
        backbone = {**models.cfg.model.backbone, 'with_cp': name.endswith(RECOMPUTED)}
        changes = {'channels_last': True, 'backbone': backbone}
    model = models.ours(**changes).train()
    return partial(take_step, model, our_batch(models, batch), build_optim_wrapper(model, wrapper))


def _mmpose_step(name: str, models: Models, batch: int) -> Call:
    """MMPose's step, with targets made before by its pipeline, or also in the step."""
    steps = models.mmpose_cfg.train_dataloader.dataset.pipeline[-2:]
    make_target, pack = map(TRANSFORMS.build, steps)
    model = models.mmpose().train()
    wrapper = build_optim_wrapper(model, copy.deepcopy(THEIRS[name]))
    samples = pseudo_collate(packed([make_target, pack], batch, models.input_size))
    persons = cropped(batch, models.input_size) if name == WITH_TARGETS else []

    def call() -> torch.Tensor:
        for person in persons:
            make_target(dict(person))
        return take_step(model, samples, wrapper)

    return call


def our_batch(models: Models, batch: int) -> dict[str, Any]:
    """Persons as our config's data loader packs, collates and pins them."""
    loader = models.cfg.train_dataloader
    types = [step.type.rpartition('.')[2] for step in loader.dataset.pipeline]
    rest = loader.dataset.pipeline[types.index('TopdownAffine') + 1 :]
    collate = FUNCTIONS.get(loader.get('collate_fn', {'type': 'pseudo_collate'})['type'])
    collated = collate(packed(map(TRANSFORMS.build, rest), batch, models.input_size))
    return pin_memory(collated) if loader.get('pin_memory') and models.device != 'cpu' else collated


def take_step(model: torch.nn.Module, batch: dict[str, Any], wrapper: OptimWrapper) -> torch.Tensor:
    """The loss of a training step, which leaves the batch as it is."""
    # The head may write into its samples
    given = {**batch, 'data_samples': [sample.clone() for sample in batch['data_samples']]}
    return model.train_step(given, wrapper)['loss_kpt'].detach()


def _times(bench: Bench) -> None:
    options, models = bench.options, Models.of(bench.options)
    title = f'train: a step of {options.config} {models}, batch {options.train_batch}'
    bench.say(f'{title}: building')
    comparison = bench.comparison()
    for name in names_of(options.device):
        is_half = any(each in name for each in ('bf16', 'fp16', '--amp'))
        is_half |= name == AS_CONFIGURED and 'Amp' in models.cfg.optim_wrapper.type
        allowed = HALF_OFF_BY if is_half else exact_off_by(options.device)
        build = partial(build_step, name, models, options.train_batch)
        comparison.add(name, build, tolerance=allowed)
    bench.measure(
        comparison, title, 'image', items=options.train_batch, notes=[TARGETS_NOTE], warm_up=1,
        off_by='first loss off by',
    )  # fmt: skip


def _memory(bench: Bench) -> None:
    options = bench.options
    sizes = options.train_batch, 2 * options.train_batch
    table = bench.report.table(
        f'train: peak memory of {options.config}, MiB, each in a process of its own',
        'entry', *[f'batch {size}' for size in sizes], 'per image',
        notes=[MEMORY_NOTE[torch.device(options.device).type]],
    )  # fmt: skip
    for name in names_of(options.device):
        if name != WITH_TARGETS:
            found = [bench.in_child(table, memory_of_step, name, options, size) for size in sizes]
            if None not in found:
                table.add(name, *found, (found[1] - found[0]) / sizes[0])


def memory_of_step(name: str, options: argparse.Namespace, batch: int) -> float:
    """Peak memory in MiB of two steps of an entry."""
    step = build_step(name, Models.of(options), batch)
    reset_peak_memory(options.device)
    step(), step()
    return peak_memory(options.device)


def _loss_curves(bench: Bench) -> None:
    """A table of losses in fp32 and bf16, on the same batches, from several initial weights.

    The range of the losses in fp32 tells how much of a difference is chance.
    """
    init_default_scope('mmpose')
    steps, cfg = bench.options.loss_curve, read_config(CURVE_CONFIG, [])
    batches = _batches(bench, cfg, steps)
    table = bench.report.table(
        f'train: loss of {steps} steps of {CURVE_CONFIG} on rendered people, '
        f'batch {len(batches[0]["inputs"])}',
        'steps', *[f'{name}, {len(SEEDS)} weights (range)' for name in ('fp32', 'bf16')],
        'bf16 over fp32', 'over range', notes=[CURVE_NOTE],
    )  # fmt: skip
    wrappers = [{'type': 'OptimWrapper'}, {**OUR_AMP, 'dtype': 'bfloat16'}]
    losses = []
    for wrapper in wrappers:
        for seed in SEEDS:
            bench.say(f'train: loss curve, {wrapper["type"]}, weights {seed}')
            torch.manual_seed(seed)
            model = MODELS.build(copy.deepcopy(cfg.model)).to(bench.options.device).train()
            optimizer = {'type': 'Adam', 'lr': 1e-3}
            built = build_optim_wrapper(model, {**wrapper, 'optimizer': optimizer})
            taken = [take_step(model, batch, built) for batch in batches]
            losses.append(torch.stack(taken).cpu().numpy())
    curves = np.reshape(losses, (len(wrappers), len(SEEDS), steps))
    for start, end in pairwise(np.linspace(0, steps, CURVE_PARTS + 1).astype(int)):
        fp32, bf16 = curves[..., start:end].mean(-1)
        difference = bf16.mean() - fp32.mean()
        table.add(
            f'{start}-{end}',
            *[f'{each.mean():.3g} ({each.min():.3g}-{each.max():.3g})' for each in (fp32, bf16)],
            f'{difference / fp32.mean():+.1%}',
            float(abs(difference) / np.ptp(fp32)),
        )


def _batches(bench: Bench, cfg: Any, steps: int) -> list[dict[str, Any]]:
    batch = cfg.train_dataloader.batch_size
    bench.say('train: loss curve, rendering')
    folder = render(bench.folder, num_train=min(steps * batch, CURVE_IMAGES))
    dataset = DATASETS.build({**cfg.train_dataloader.dataset, 'data_root': str(folder)})
    np.random.seed(0)
    order = np.random.default_rng(0).integers(0, len(dataset), (steps, batch))
    return [pseudo_collate([dataset[int(index)] for index in row]) for row in order]

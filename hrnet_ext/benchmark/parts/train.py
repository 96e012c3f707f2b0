"""One training step: MMPose's, and ours in fp32 and bf16; memory; on request the loss curve."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from hrnet_ext.benchmark.child import in_child
from hrnet_ext.benchmark.contest import Call, reason
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.parts.loss_curve import compare_curves
from hrnet_ext.benchmark.peak import memory_note, peak_memory, reset_peak_memory
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.steps import ADAM, MMPOSE, make_targets, mmpose_step, our_step
from hrnet_ext.benchmark.timing_table import add_timings, timing_columns
from hrnet_ext.benchmark.twins import Twins
from hrnet_ext.precision import choice_for

BASELINE = 'MMPose'
WITH_TARGETS = 'MMPose, targets made'
FUSED = {**ADAM, 'fused': True}
OURS: dict[str, dict[str, Any]] = {
    'fp32': {'type': 'OptimWrapper', 'optimizer': FUSED},
    'bf16': {'type': 'hrnet_ext.AmpOptimWrapper', 'dtype': 'bfloat16', 'optimizer': FUSED},
}
"""Our quickest settings; the model is channels-last besides."""
OURS_ON_CUDA = {
    'fp16': {'type': 'hrnet_ext.AmpOptimWrapper', 'dtype': 'float16', 'optimizer': FUSED},
}
RECOMPUTED = ', with_cp'  # less memory: activations of blocks are made again on the way back
OFF_BY = {'bf16': 0.05, 'fp16': 0.05, '--amp': 0.05}  # the first loss
STEPS_FOR_MEMORY = 2


def run(options: Options, report: Report, stage: Stage) -> None:
    """A table of times, one of memory, and on request one of losses."""
    _times(options, report, stage)
    if not options.in_process:
        _memory(options, report, stage)
    if options.loss_curve:
        compare_curves(options, report, stage)


def contestants(options: Options) -> list[str]:
    """Who takes part; MMPose has no half precision on a CPU."""
    on_cuda = options.kind == 'cuda'
    theirs = [BASELINE, WITH_TARGETS, *(['MMPose, --amp'] if on_cuda else [])]
    settings = [*OURS, *(OURS_ON_CUDA if on_cuda else [])]
    if choice_for(options.device).emulates_bf16:  # slower than fp32, and a step takes minutes
        settings.remove('bf16')
    ours = [f'ours, {name}' for name in settings]
    return [*theirs, 'ours, as configured', *ours, f'{ours[-1]}{RECOMPUTED}']


def build(name: str, twins: Twins, batch: int) -> Call:
    """A contestant's step, from the weights that all begin with."""
    setting = _setting(name)
    if name == 'ours, as configured':
        return our_step(twins, batch, twins.cfg.optim_wrapper.to_dict())
    settings = {**OURS, **OURS_ON_CUDA}
    if setting in settings:
        backbone = {**twins.cfg.model.backbone, 'with_cp': name.endswith(RECOMPUTED)}
        return our_step(twins, batch, settings[setting], channels_last=True, backbone=backbone)
    step = mmpose_step(twins, batch, MMPOSE.get(setting, MMPOSE['fp32']))
    if name != WITH_TARGETS:
        return step
    prepare = make_targets(twins, batch)
    return lambda: (prepare(), step())[1]


def _setting(name: str) -> str:
    return name.partition(', ')[2].removesuffix(RECOMPUTED)


def _times(options: Options, report: Report, stage: Stage) -> None:
    twins, batch = Twins(options), options.train_batch
    stage.say('building')
    line_up = LineUp()
    for name in contestants(options):
        tolerance = OFF_BY.get(_setting(name), options.float32_off_by)
        if name == 'ours, as configured' and 'Amp' in twins.cfg.optim_wrapper.type:
            tolerance = OFF_BY['bf16']
        line_up.enter(name, partial(build, name, twins, batch), tolerance=tolerance)
    stage.say('comparing the first losses')
    line_up.check(BASELINE)
    contest = stage.contest(line_up)
    extra = {'first loss off by': line_up.differences.get}
    height, width = twins.input_shape
    table = report.table(
        f'train: a step of {options.config} {height}x{width}, batch {batch}',
        *timing_columns('image', tuple(extra), BASELINE),
    )
    table.notes.append(
        f'forward, loss, accuracy, backward, Adam. MMPose makes targets in its pipeline: '
        f'"{WITH_TARGETS}" adds that time, on one thread; our steps always include it'
    )
    finish = partial(add_timings, table, contest, items=batch, baseline=BASELINE, extra=extra)
    stage.run(contest, 'steps', finish=finish, warm_up=1)


def _memory(options: Options, report: Report, stage: Stage) -> None:
    batch = options.train_batch
    table = report.table(
        f'train: peak memory of {options.config}, MiB, each in a process of its own',
        'contestant', f'batch {batch}', f'batch {2 * batch}', 'per image',
    )  # fmt: skip
    table.notes.append(memory_note(options.kind))
    for name in contestants(options):
        if name == WITH_TARGETS:
            continue
        stage.say(f'memory of {name}')
        try:
            once, twice = (
                in_child(step_memory, options, name, size, threads=torch.get_num_threads())
                for size in (batch, 2 * batch)
            )
        except RuntimeError as error:
            table.add(name, f'not run: {reason(error)}')
            continue
        table.add(name, *[x / 2**20 for x in (once, twice, (twice - once) / batch)])


def step_memory(options: Options, name: str, batch: int) -> int:
    """Bytes at the peak of a contestant's steps; called in a process of its own."""
    step = build(name, Twins(options), batch)
    reset_peak_memory(options.device)
    for _ in range(STEPS_FOR_MEMORY):
        step()
    return peak_memory(options.device)

"""Ours beside MMPose, on random weights: training, latency, crops a second, memory.

Targets are those of the project, for an H100 or H200; an item that misses one says so and passes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch

from benchmarks.comparison import Comparison
from benchmarks.models import of_network, optimized
from benchmarks.training import build_step
from tests.gpu_check.candidates import recorded_cudnn
from tests.gpu_check.items import Check, Figures, Group, Skipped
from tests.gpu_check.networks import demand, models_of, off_by, seconds_per_call

GROUP = Group()
TRAINING = ('MMPose', 'MMPose, --amp', 'ours, fp32', 'ours, bf16', 'ours, fp16')
CONFIGS = ('hrnet_w32_coco', 'hrnet_w48_coco', 'hrnet_w32_coco_384x288', 'hrnet_w48_coco_384x288')


@GROUP.item('training, batch 64: images/s, MMPose in fp32 and --amp, ours in every format')
def training(check: Check) -> Figures:
    batch, rounds = (2, 1) if check.quick else (64, 5)
    names = TRAINING if check.is_cuda else ('MMPose', 'ours, fp32', 'ours, bf16')
    pair, comparison = models_of(check), Comparison()
    for name in names:
        comparison.add(name, partial(build_step, name, pair, batch))
    memory = {name: _memory(check, step) for name, step in comparison.entries.items()}
    comparison.warm_up(1 if check.quick else 3)
    comparison.run(rounds)
    assert not comparison.not_run, comparison.not_run
    figures = {f'{name}, images/s': batch / median(comparison.seconds(name)) for name in names}
    for name in names[1:]:
        figures[f'{name}, times MMPose'], _ = comparison.speedup(name)
    if check.is_cuda:
        figures |= {f'{name}, MiB': used for name, used in memory.items()}
        ours = max(figures[f'ours, {kind}, times MMPose'] for kind in ('fp16', 'bf16'))
        figures |= _target('times MMPose', ours, 2.0)
        figures |= _target('times --amp', ours / figures['MMPose, --amp, times MMPose'], 1.5)
    return figures


def _memory(check: Check, step: Callable[[], object]) -> float:
    """MiB that a step takes at its peak, besides what was there."""
    step()
    check.synchronize()
    if not check.is_cuda:
        return 0.0
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    check.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


@GROUP.item('latency at batch 1: ms, MMPose eager and ours')
@torch.no_grad()
def latency(check: Check) -> Figures:
    pair = models_of(check)
    images = pair.images(1)
    modes = ('fp32', 'fp16', 'bf16') if check.is_cuda else ('fp32',)
    calls = {'MMPose': of_network(pair.mmpose(), images)}
    calls |= {f'ours, {mode}': optimized(pair, mode, images) for mode in modes}
    return _milliseconds(check, calls)


for _config in CONFIGS:

    @GROUP.item(f'{_config}: crops/s at batches of 64 and 256')
    @torch.no_grad()
    def throughput(check: Check, config: str = _config) -> Figures:
        if check.quick and config != CONFIGS[0]:
            raise Skipped('one network is enough to try the check')
        pair = models_of(check, config='' if check.quick else config)
        modes = ('fp16', 'bf16') if check.is_cuda else ('fp32',)
        figures: Figures = {}
        for batch in (2,) if check.quick else (64, 256):
            images = pair.images(batch)
            for mode in modes:
                seconds = seconds_per_call(check, optimized(pair, mode, images))
                figures[f'{mode}, batch {batch}, crops/s'] = batch / seconds
        if check.is_cuda and config == CONFIGS[0]:
            figures |= _target('crops/s', max(figures.values()), 10_000)
        return figures


@GROUP.item('candidate: cuDNN with ReLU and sum, recorded as CUDA graphs, batches 1, 64, 256')
@torch.no_grad()
def candidate(check: Check) -> Figures:
    if not check.is_cuda:
        raise Skipped('cuDNN needs a GPU')
    pair = models_of(check)
    plain = pair.ours()
    figures: Figures = {}
    for batch in (1, 64, 256):
        images = pair.images(batch)
        half = images.half().contiguous(memory_format=torch.channels_last)
        for benchmarks in (False, True):
            with torch.backends.cudnn.flags(enabled=True, benchmark=benchmarks):
                run = recorded_cudnn(plain.backbone, torch.float16)
                demand(off_by(run(half)[0], plain.backbone(images)[0]), 0.05)
                seconds = seconds_per_call(check, lambda run=run, half=half: run(half))
            name = f'batch {batch}{", cudnn_benchmark" if benchmarks else ""}'
            figures[f'{name}, ms'] = 1e3 * seconds
            figures[f'{name}, crops/s'] = batch / seconds
    return figures


@GROUP.item('latency at batch 1, compiled: ms, MMPose eager and ours')
@torch.no_grad()
def compiled_latency(check: Check) -> Figures:
    if not check.is_cuda:
        raise Skipped('on a CPU HRNets are not compiled')
    pair = models_of(check)
    images = pair.images(1)
    return _milliseconds(
        check,
        {
            'MMPose': of_network(pair.mmpose(), images),
            'ours, fp16+compile': optimized(pair, 'fp16+compile', images),
        },
    )


def _milliseconds(check: Check, calls: dict[str, Callable[[], Any]]) -> Figures:
    figures = {f'{name}, ms': 1e3 * seconds_per_call(check, call) for name, call in calls.items()}
    if check.is_cuda:
        best = min(value for name, value in figures.items() if name.startswith('ours'))
        figures |= _target('times MMPose eager', figures['MMPose, ms'] / best, 4.0)
    return figures


def _target(what: str, found: float, target: float) -> Figures:
    verdict = 'reached' if found >= target else 'missed'
    return {what: found, f'target {target:g} {what}': verdict}

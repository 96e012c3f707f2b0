"""The network alone, images to heatmaps: MMPose's, ours in each mode, and two runtimes."""

from __future__ import annotations

from functools import cache, partial
from itertools import chain

import numpy as np
import torch

from benchmarks.bench import Bench
from benchmarks.comparison import MMPOSE, Comparison
from benchmarks.models import (
    PRECISIONS,
    Models,
    exact_off_by,
    exported,
    in_runtime,
    of_network,
    optimized,
)  # fmt: skip
from hrnet_ext.inference.complexity import measure_config

# Allowed difference of heatmaps over their maximum. The heatmaps of random weights are small and
# noisy, so that half precision rounds much of them away; other work would differ by about 1.
OFF_BY = {'bf16': 0.3, 'fp16': 0.05}
SIDES = {'cpu': 1024, 'cuda': 8192}  # of square matrices whose products reach the peak speed
NOTE = '"off by": largest difference of heatmaps, over their maximum'


def run_forward(bench: Bench) -> None:
    """A table for each batch size."""
    options, models = bench.options, Models.of(bench.options)
    # A multiply-add is two operations
    operations = 2 * sum(part.multiply_adds for part in measure_config(models.cfg).values())
    for batch in options.batch_sizes:
        title = f'forward: {options.config} {models}, batch {batch}, images to heatmaps'
        bench.say(f'{title}: building')
        comparison = _entries(bench, models, models.images(batch))
        _measure(bench, title, comparison, batch, operations * batch)


def _entries(bench: Bench, models: Models, images: torch.Tensor) -> Comparison:
    fp32, network = exact_off_by(models.device), cache(lambda: exported(models.ours(), images))
    comparison = bench.comparison()
    comparison.add(MMPOSE, lambda: of_network(models.mmpose(), images))
    for mode in bench.options.modes:
        allowed = OFF_BY.get(mode.partition('+')[0], fp32)
        build = partial(optimized, models, mode, images)
        comparison.add(f'ours, {mode}', build, tolerance=allowed)
    for name, precision in (('ONNX Runtime', 'fp32'), ('OpenVINO', 'fp32'), ('OpenVINO', 'bf16')):
        comparison.add(
            f'{name}, {precision}',
            lambda name=name, precision=precision: in_runtime(name, precision, network(), images),
            tolerance=OFF_BY.get(precision, fp32),
        )
    return comparison


def _measure(bench: Bench, title: str, comparison: Comparison, batch: int, operations: int) -> None:
    """Time the entries, and large products in the same rounds, which show the peak speed."""
    side = SIDES.get(torch.device(bench.options.device).type, 1024)
    products = {name: _product(name) for name in comparison.entries}
    for name, product in products.items():
        matrix = torch.ones(side, side, device=bench.options.device, dtype=_dtype(name))
        build = partial(partial, _multiply, matrix)
        comparison.add(product, build, tolerance=None)

    def speed(name: str, operations: int) -> float:
        return operations / float(np.median(comparison.seconds(name) or [np.nan]))

    def of_peak(name: str) -> str:
        return f'{speed(name, operations) / speed(products[name], 2 * side**3):.0%}'

    peaks = (
        f'"of peak": of {name}, timed in the same rounds: {speed(name, 2 * side**3) / 1e9:.0f} '
        'GFLOP/s'
        for name in sorted(set(products.values()))
    )
    bench.measure(
        comparison, title, 'image', items=batch, hidden=products.values(),
        extra={'of peak': of_peak}, off_by='off by',
        notes=chain(peaks, [NOTE]),
    )  # fmt: skip


def _dtype(name: str) -> torch.dtype:
    """The precision in which an entry multiplies."""
    return PRECISIONS.get(name.rpartition(', ')[2].partition('+')[0], torch.float32)


def _product(name: str) -> str:
    return f'products of large {str(_dtype(name)).removeprefix("torch.")} matrices'


def _multiply(matrix: torch.Tensor) -> torch.Tensor:
    """A product that may use TF32 where convolutions may."""
    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        return matrix @ matrix
    finally:
        matmul.allow_tf32 = before

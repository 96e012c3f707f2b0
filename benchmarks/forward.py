"""The network alone, images to heatmaps: MMPose's, ours in each mode, and two runtimes."""

from __future__ import annotations

from functools import cache, partial
from itertools import chain

import numpy as np
import torch

from benchmarks.bench import Bench
from benchmarks.comparison import MMPOSE, Comparison
from benchmarks.models import (
    Models,
    exact_off_by,
    exported,
    in_onnxruntime,
    in_openvino,
    of_network,
    optimized,
)  # fmt: skip
from hrnet_ext.apis.complexity import measure_config

HALVES = {'bf16': torch.bfloat16, 'fp16': torch.float16}
OFF_BY = {'bf16': 0.3, 'fp16': 0.05}
"""Allowed difference of heatmaps over their maximum. The heatmaps of random weights are small and
noisy, so that half precision rounds much of them away; other work would differ by about 1."""
SIDES = {'cpu': 1024, 'cuda': 8192}  # of square matrices whose products reach the peak speed
NOTE = '"off by": largest difference of heatmaps, over their maximum'


def run_forward(bench: Bench) -> None:
    """A table for each batch size."""
    options = bench.options
    models = Models(options.config, options.device, options.checkpoint)
    # A multiply-add is two operations
    operations = 2 * sum(part.multiply_adds for part in measure_config(models.cfg).values())
    for batch in options.batch_sizes:
        _one_batch(bench, models, batch, operations * batch)


def _one_batch(bench: Bench, models: Models, batch: int, operations: int) -> None:
    title = f'forward: {bench.options.config} {models}, batch {batch}, images to heatmaps'
    bench.say(f'{title}: building and comparing')
    comparison = _entries(bench, models, models.images(batch))
    comparison.check()
    products: dict[str, int] = {}  # operations of each
    for dtype in sorted({_dtype(name) for name in comparison.entries}, key=str):
        side = SIDES.get(torch.device(models.device).type, 1024)
        matrix = torch.ones(side, side, device=models.device, dtype=dtype)
        products[_product(dtype)] = 2 * side**3
        comparison.add(_product(dtype), lambda matrix=matrix: partial(_multiply, matrix))

    def speed(name: str, operations: int) -> float:
        return operations / float(np.median(comparison.seconds(name) or [np.nan]))

    def of_peak(name: str) -> str:
        product = _product(_dtype(name))
        return f'{speed(name, operations) / speed(product, products[product]):.0%}'

    peaks = (
        f'"of peak": of {name}, timed in the same rounds: {speed(name, each) / 1e9:.0f} GFLOP/s'
        for name, each in products.items()
    )
    bench.measure(
        comparison, title, 'image', items=batch, hidden=products, notes=chain(peaks, [NOTE]),
        extra={'of peak': of_peak, 'off by': comparison.differences.get},
    )  # fmt: skip


def _entries(bench: Bench, models: Models, images: torch.Tensor) -> Comparison:
    fp32, network = exact_off_by(models.device), cache(lambda: exported(models.ours(), images))
    comparison = bench.comparison()
    comparison.add(MMPOSE, lambda: of_network(models.mmpose(), images))
    for mode in bench.options.modes:
        allowed = OFF_BY.get(mode.partition('+')[0], fp32)
        build = partial(optimized, models, mode, images)
        comparison.add(f'ours, {mode}', build, tolerance=allowed)
    for name, tolerance, build in (
        ('ONNX Runtime, fp32', fp32, lambda: in_onnxruntime(network(), images)),
        ('OpenVINO, fp32', fp32, lambda: in_openvino(network(), images, 'f32')),
        ('OpenVINO, bf16', OFF_BY['bf16'], lambda: in_openvino(network(), images, 'bf16')),
    ):
        comparison.add(name, build, tolerance=tolerance)
    return comparison


def _dtype(name: str) -> torch.dtype:
    """The precision in which an entry multiplies."""
    return HALVES.get(name.rpartition(', ')[2].partition('+')[0], torch.float32)


def _product(dtype: torch.dtype) -> str:
    return f'products of large {str(dtype).removeprefix("torch.")} matrices'


def _multiply(matrix: torch.Tensor) -> torch.Tensor:
    """A product that may use TF32 where convolutions may."""
    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        return matrix @ matrix
    finally:
        matmul.allow_tf32 = before

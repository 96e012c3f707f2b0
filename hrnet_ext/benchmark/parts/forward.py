"""The network alone, images to heatmaps: MMPose's, ours in each mode, and two runtimes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from functools import partial

import torch

from hrnet_ext.benchmark import engines
from hrnet_ext.benchmark.child import in_child
from hrnet_ext.benchmark.contest import Contest, reason
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.parts.startup import CACHE_VARIABLE, begin
from hrnet_ext.benchmark.peak import Product, memory_note
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.timing_table import add_timings, timing_columns
from hrnet_ext.benchmark.twins import Twins, multiply_adds

BASELINE = 'MMPose'
OFF_BY = {'bf16': 0.3, 'fp16': 0.05}
"""How far heatmaps may be from MMPose's, over their maximum. Random weights make small heatmaps of
much noise, whose rounding in half precision is large; of other work they would be off by 1."""
HALVES = {'bf16': torch.bfloat16, 'fp16': torch.float16}


def run(options: Options, report: Report, stage: Stage) -> None:
    """A table for each batch size; then start-up and memory."""
    twins = Twins(options)
    work = 2 * multiply_adds(twins.cfg)  # a multiply-add is two operations
    for batch in options.batch_sizes:
        stage.say(f'batch {batch}, building')
        _one_batch(twins, batch, work, (options, report, stage))
    if not options.in_process:
        _startup(options, report, stage)


def _one_batch(twins: Twins, batch: int, work: int, where: tuple) -> None:
    options, report, stage = where
    line_up = _line_up(twins, batch, options)
    stage.say(f'batch {batch}, comparing results')
    line_up.check(BASELINE)
    products = {_label(d): Product(options.device, d) for d in _dtypes(line_up.contestants)}
    for name, product in products.items():
        line_up.enter(name, lambda product=product: product)
    contest = stage.contest(line_up)
    height, width = twins.input_shape
    extra = {
        'of peak': lambda name: _of_peak(contest, name, work * batch, products),
        'off by': line_up.differences.get,
    }
    table = report.table(
        f'forward: {options.config} {height}x{width}, batch {batch}, images to heatmaps',
        *timing_columns('image', tuple(extra), BASELINE),
    )

    def finish() -> None:
        add_timings(
            table, contest, items=batch, baseline=BASELINE, extra=extra, hidden=list(products)
        )
        table.notes += [_note(contest, name, product.flops) for name, product in products.items()]
        table.notes += line_up.remarks
        table.notes.append('"off by": largest difference of heatmaps, over their maximum')

    stage.run(contest, f'batch {batch}', finish=finish)


def _line_up(twins: Twins, batch: int, options: Options) -> LineUp:
    images, threads = twins.images(batch), torch.get_num_threads()
    line_up = LineUp()
    allowed = {**OFF_BY, **dict.fromkeys(('off', 'fp32'), options.float32_off_by)}
    line_up.enter(BASELINE, lambda: engines.in_torch(twins.mmposes(), images))
    for mode in options.modes:
        build = partial(engines.in_mode, twins.ours, mode, images)
        line_up.enter(f'ours, {mode}', build, tolerance=allowed[_precision(mode)])
    network = _once(lambda: engines.exported(twins.ours(), images))
    line_up.enter(
        'ONNX Runtime, fp32',
        lambda: engines.in_onnxruntime(network(), images, threads),
        tolerance=allowed['fp32'],
    )
    for name, precision in (('fp32', 'f32'), ('bf16', 'bf16')):
        line_up.enter(
            f'OpenVINO, {name}',
            lambda precision=precision: engines.in_openvino(network(), images, threads, precision),
            tolerance=allowed[name],
        )
    return line_up


def _startup(options: Options, report: Report, stage: Stage) -> None:
    table = report.table(
        f'forward: start-up and memory of {options.config}, each in a process of its own',
        'contestant', 'first run, s', 'second run, s', 'peak memory, MiB',
    )  # fmt: skip
    table.notes.append(
        'from the built model to the first heatmaps (optimizing, compiling, one batch of '
        f'{max(options.batch_sizes)}); the second run finds what the first one compiled'
    )
    table.notes.append(memory_note(options.kind))
    for mode in (None, *options.modes):
        name = BASELINE if mode is None else f'ours, {mode}'
        stage.say(f'start-up of {name}')
        try:
            table.add(name, *_begin_twice(options, mode))
        except RuntimeError as error:
            table.add(name, f'not run: {reason(error)}')


def _begin_twice(options: Options, mode: str | None) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory() as cache:
        runs = [
            in_child(
                begin, options, mode, threads=torch.get_num_threads(),
                environment={CACHE_VARIABLE: cache},
            )
            for _ in range(2)
        ]  # fmt: skip
    (first, _), (second, memory) = runs
    return first, second, memory / 2**20


def _of_peak(contest: Contest, name: str, work: int, products: dict[str, Product]) -> str:
    """Operations a second, as a share of those of a product in the same precision."""
    label = _label(_dtype(name))
    peak = contest.seconds(label)
    if peak is None:
        return ''
    share = work / contest.seconds(name).median / (products[label].flops / peak.median)
    return f'{share:.0%}'


def _note(contest: Contest, name: str, flops: int) -> str:
    seconds = contest.seconds(name)
    measured = f'{flops / seconds.median / 1e9:.0f} GFLOP/s' if seconds else 'not measured'
    return f'"of peak": of {name}, timed in the same rounds: {measured}'


def _dtypes(names: Iterable[str]) -> list[torch.dtype]:
    return sorted({_dtype(name) for name in names}, key=str)


def _dtype(name: str) -> torch.dtype:
    return HALVES.get(_precision(name.rpartition(', ')[2]), torch.float32)


def _precision(mode: str) -> str:
    return mode.partition('+')[0]


def _label(dtype: torch.dtype) -> str:
    return f'products of large {str(dtype).removeprefix("torch.")} matrices'


def _once(make: Callable[[], bytes]) -> Callable[[], bytes]:
    made: list[bytes] = []

    def get() -> bytes:
        if not made:
            made.append(make())
        return made[0]

    return get

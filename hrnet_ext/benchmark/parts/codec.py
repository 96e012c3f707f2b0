"""Keypoints to heatmaps and back: MMPose's codec and head, instance by instance, and ours."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmpose.codecs import MSRAHeatmap as MMPoseMSRAHeatmap
from mmpose.models.heads import HeatmapHead as MMPoseHeatmapHead
from torch import Tensor

from hrnet_ext.benchmark.contest import Call
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.people import empty_samples, noisy_pair, random_keypoints
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.timing_table import add_timings, timing_columns
from hrnet_ext.codecs import MSRAHeatmap
from hrnet_ext.models import HeatmapHead

BASELINE = 'MMPose'
INSTANCES = 64
SIZES = {'input_size': (192, 256), 'heatmap_size': (48, 64), 'sigma': 2}
FLIP = {'flip_test': True, 'flip_mode': 'heatmap', 'shift_heatmap': True}
INSIDE = 0.05  # of the input between its border and whoever is decoded: where there is no Gaussian,
# but noise alone, DARK's Newton step magnifies the last bits
PIXELS_OFF = {False: 1e-4, True: 1e-3}  # of decoded keypoints, biased and unbiased


def run(options: Options, report: Report, stage: Stage) -> None:
    """A table each for encoding and decoding, biased and unbiased."""
    init_default_scope('mmpose')
    for unbiased in (False, True):
        _encode(unbiased, options, report, stage)
        _decode(unbiased, options, report, stage)


def _encode(unbiased: bool, options: Options, report: Report, stage: Stage) -> None:
    keypoints, visible = random_keypoints(INSTANCES, SIZES['input_size'])
    line_up = LineUp()
    for name, codec in ((BASELINE, MMPoseMSRAHeatmap), ('ours, one by one', MSRAHeatmap)):
        line_up.enter(
            name, partial(_one_by_one, codec(**SIZES, unbiased=unbiased), keypoints, visible)
        )
    ours = MSRAHeatmap(**SIZES, unbiased=unbiased)
    on_device = [torch.from_numpy(each).to(options.device) for each in (keypoints, visible)]
    tolerance = 0.0 if options.kind == 'cpu' else 1e-6
    line_up.enter(
        'ours, batched', lambda: lambda: ours.encode_batch(*on_device)[0], tolerance=tolerance
    )
    line_up.check(BASELINE, _farthest)
    _compete(f'encode{_title(unbiased)}', line_up, (options, report, stage))


def _decode(unbiased: bool, options: Options, report: Report, stage: Stage) -> None:
    codec = MSRAHeatmap(**SIZES, unbiased=unbiased)
    keypoints, _ = random_keypoints(INSTANCES, SIZES['input_size'], margin=-INSIDE)
    keypoints = torch.from_numpy(keypoints)
    heatmaps, _ = codec.encode_batch(keypoints, torch.ones(keypoints.shape[:2]))
    both = noisy_pair(heatmaps.to(options.device))
    line_up = LineUp()
    tolerance = PIXELS_OFF[unbiased]
    for name, head, prefix in (
        (BASELINE, MMPoseHeatmapHead, ''),
        ('ours', HeatmapHead, 'hrnet_ext.'),
    ):
        decoder = {'type': f'{prefix}MSRAHeatmap', **SIZES, 'unbiased': unbiased}
        line_up.enter(name, partial(_predicting, head, decoder, both), tolerance=tolerance)
    line_up.check(BASELINE, _farthest)
    _compete(f'decode, flip merge included{_title(unbiased)}', line_up, (options, report, stage))


def _one_by_one(codec: Any, keypoints: np.ndarray, visible: np.ndarray) -> Call:
    def call() -> list[np.ndarray]:
        return [
            codec.encode(keypoints[i : i + 1], visible[i : i + 1])['heatmaps']
            for i in range(len(keypoints))
        ]

    return call


def _predicting(head: type, decoder: dict[str, Any], both: tuple[Tensor, Tensor]) -> Call:
    """A head's ``predict``, its layers left out: it is given heatmaps."""
    model = head(1, both[0].shape[1], deconv_out_channels=None, decoder=decoder)
    model.forward = lambda feats: feats[-1]
    samples = empty_samples(len(both[0]))

    def call() -> list[np.ndarray]:
        found = model.predict([(both[0],), (both[1],)], samples, FLIP)
        return [each.keypoints[0] for each in found]

    return call


def _farthest(found: Any, wanted: Any) -> float:
    """The largest difference, in whatever the numbers are in."""
    return float(np.abs(_stacked(found) - _stacked(wanted)).max())


def _stacked(result: Any) -> np.ndarray:
    if isinstance(result, torch.Tensor):
        return result.cpu().double().numpy()
    return np.stack([np.asarray(each, np.float64) for each in result])


def _title(unbiased: bool) -> str:
    return ' (unbiased)' if unbiased else ''


def _compete(title: str, line_up: LineUp, where: tuple[Options, Report, Stage]) -> None:
    options, report, stage = where
    contest = stage.contest(line_up)
    extra = {'off by': line_up.differences.get}
    width, height = SIZES['input_size']
    table = report.table(
        f'codec: {title}, {INSTANCES} instances, {height}x{width}, on {options.device}',
        *timing_columns('instance', tuple(extra), BASELINE),
    )
    unit = 'input pixels' if 'decode' in title else 'heatmap values'
    table.notes.append(f'"off by": largest difference in {unit}')
    finish = partial(add_timings, table, contest, items=INSTANCES, baseline=BASELINE, extra=extra)
    stage.run(contest, title, finish=finish)

"""Keypoints to heatmaps and back: MMPose's codec and head, person by person, and ours."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmpose.codecs import MSRAHeatmap as MMPoseMSRAHeatmap
from mmpose.models.heads import HeatmapHead as MMPoseHeatmapHead
from mmpose.structures import PoseDataSample
from torch import Tensor

from benchmarks.bench import Bench
from benchmarks.comparison import MMPOSE, Call, Comparison, as_arrays
from benchmarks.samples import flip_indices, random_keypoints
from hrnet_ext.codecs import MSRAHeatmap
from hrnet_ext.models import HeatmapHead

INSTANCES = 64
SIZES = {'input_size': (192, 256), 'heatmap_size': (48, 64), 'sigma': 2}
FLIP = {'flip_test': True, 'flip_mode': 'heatmap', 'shift_heatmap': True}
# Keypoints to decode stay away from the border: where there is only noise, DARK's Newton step
# magnifies differences in the last bits.
INSIDE = 0.05  # of the input
NOISE = 0.02  # of a heatmap's maximum
PIXELS_OFF = {False: 1e-4, True: 1e-3}  # of decoded keypoints, biased and unbiased


def run_codec(bench: Bench) -> None:
    """A table each for encoding and decoding, biased and unbiased."""
    init_default_scope('mmpose')
    for unbiased in (False, True):
        for title, unit, make in (
            ('encode', 'heatmap values', _encoding),
            ('decode, flip merge included', 'input pixels', _decoding),
        ):
            comparison = make(bench, {**SIZES, 'unbiased': unbiased})
            title += ' (unbiased)' if unbiased else ''
            bench.measure(
                comparison,
                f'codec: {title}, {INSTANCES} instances, 256x192, on {bench.options.device}',
                'instance', items=INSTANCES, difference=_largest_difference, off_by='off by',
                notes=[f'"off by": largest difference in {unit}'],
            )  # fmt: skip


def _encoding(bench: Bench, settings: dict[str, Any]) -> Comparison:
    keypoints, visible = random_keypoints(INSTANCES, SIZES['input_size'])
    on_device = [torch.from_numpy(x).to(bench.options.device) for x in (keypoints, visible)]
    theirs, ours = MMPoseMSRAHeatmap(**settings), MSRAHeatmap(**settings)

    def one_by_one(codec: Any) -> list[np.ndarray]:
        people = zip(keypoints[:, None], visible[:, None])
        return [codec.encode(*person)['heatmaps'] for person in people]

    comparison = bench.comparison()
    comparison.add(MMPOSE, lambda: partial(one_by_one, theirs))
    comparison.add('ours, one by one', lambda: partial(one_by_one, ours))
    comparison.add(
        'ours, batched', lambda: lambda: ours.encode_batch(*on_device)[0],
        tolerance=0.0 if on_device[0].device.type == 'cpu' else 1e-6,
    )  # fmt: skip
    return comparison


def _decoding(bench: Bench, settings: dict[str, Any]) -> Comparison:
    keypoints, _ = random_keypoints(INSTANCES, SIZES['input_size'], margin=-INSIDE)
    keypoints = torch.from_numpy(keypoints)
    heatmaps, _ = MSRAHeatmap(**settings).encode_batch(keypoints, torch.ones(keypoints.shape[:2]))
    generator = torch.Generator().manual_seed(0)
    both = [
        (each + NOISE * torch.randn(each.shape, generator=generator)).to(bench.options.device)
        for each in (heatmaps, heatmaps.flip(-1)[:, flip_indices()])
    ]
    comparison = bench.comparison()
    for name, head, kind in (
        (MMPOSE, MMPoseHeatmapHead, 'MSRAHeatmap'),
        ('ours', HeatmapHead, 'hrnet_ext.MSRAHeatmap'),
    ):
        build = partial(_predicting, head, {'type': kind, **settings}, both)
        comparison.add(name, build, tolerance=PIXELS_OFF[settings['unbiased']])
    return comparison


def _predicting(head: type, decoder: dict[str, Any], both: list[Tensor]) -> Call:
    """A head's ``predict`` without its layers: its input already is heatmaps."""
    model = head(1, both[0].shape[1], deconv_out_channels=None, decoder=decoder)
    model.forward = lambda feats: feats[-1]
    meta = {'flip_indices': flip_indices()}
    samples = [PoseDataSample(metainfo=meta) for _ in range(INSTANCES)]
    return lambda: [
        found.keypoints[0] for found in model.predict([(each,) for each in both], samples, FLIP)
    ]


def _largest_difference(found: object, wanted: object) -> float:
    """In whatever unit the numbers have."""
    found, wanted = (
        np.concatenate([each.ravel() for each in as_arrays(x)]) for x in (found, wanted)
    )
    return float(np.abs(found - wanted).max())

"""Keypoints that contestants find, compared: how far they may be apart, and how far they are.

Legend: P people; K keypoints; keypoints (P, K, 2) in pixels of the picture.
"""

from __future__ import annotations

import math

import numpy as np

from hrnet_ext.benchmark.line_up import as_arrays
from hrnet_ext.benchmark.options import Options
from hrnet_ext.tf32 import uses_tf32

PIXELS_OFF = {'off': 0.01, 'fp32': 0.1, 'bf16': 1.0, 'fp16': 1.0, 'int8': 4.0}
RANDOM_WEIGHTS = 'weights are random: keypoints do not compare in less precision than fp32'


def pixels_allowed(mode: str, options: Options) -> float:
    """How far keypoints may be from MMPose's at the median.

    Args:
        mode: A precision, perhaps with '+compile'.
        options: Without a checkpoint keypoints are noise, which only exact fp32 reproduces.
    """
    precision = mode.partition('+')[0]
    is_exact = precision in ('off', 'fp32') and not uses_tf32(options.device)
    is_noise = not options.checkpoint and not is_exact
    return math.inf if is_noise else PIXELS_OFF[precision]


def median_distance(found: object, wanted: object) -> float:
    """Of corresponding keypoints: arrays (P, K, 2), or a sequence of them."""
    found, wanted = as_arrays(found), as_arrays(wanted)
    if [each.shape for each in found] != [each.shape for each in wanted]:
        raise ValueError(f'{sum(map(len, found))} people, not {sum(map(len, wanted))}')
    distances = [np.linalg.norm(a - b, axis=-1).ravel() for a, b in zip(found, wanted)]
    return float(np.median(np.concatenate(distances)))

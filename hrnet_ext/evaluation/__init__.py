"""Metrics: pure functions and the registered metric classes that use them.

This package imports NumPy and SciPy only; the metric classes, in ``metrics``, need MMPose.
"""

from hrnet_ext.evaluation.oks import oks, oks_nms, soft_oks_nms
from hrnet_ext.evaluation.pckh import pckh
from hrnet_ext.evaluation.posetrack import evaluate_posetrack, format_posetrack
from hrnet_ext.formats.mpii import head_sizes

__all__ = [
    'evaluate_posetrack',
    'format_posetrack',
    'head_sizes',
    'oks',
    'oks_nms',
    'pckh',
    'soft_oks_nms',
]

"""Metrics: pure functions, and the registered shells around them.

What is imported here needs NumPy and SciPy only; the shells, in ``metrics``, need MMPose.
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

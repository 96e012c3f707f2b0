"""Tensor names in released checkpoints of HRNet, and our names.

Our names are MMPose's inside a pose estimator: ``backbone.*`` and ``head.*``.
"""

from hrnet_ext.models.weights.registration import register_conversion
from hrnet_ext.models.weights.translation import (
    ConversionReport,
    find_weights,
    fit,
    to_official,
    translate,
)

__all__ = [
    'ConversionReport',
    'find_weights',
    'fit',
    'register_conversion',
    'to_official',
    'translate',
]

"""Checkpoints: load safely, translate released names into ours, save atomically.

    path or URL --load_checkpoint--> dict --convert--> weights in our names, and a report

Our names are MMPose's inside a pose estimator: ``backbone.*`` and ``head.*``.
"""

from hrnet_ext.checkpoints.conversion import convert
from hrnet_ext.checkpoints.saving import save_checkpoint
from hrnet_ext.models.weights import (
    ConversionReport,
    find_weights,
    register_conversion,
    to_official,
)
from hrnet_ext.safe_loading import CheckpointError, UnsafeCheckpointError, load_checkpoint

__all__ = [
    'CheckpointError',
    'ConversionReport',
    'UnsafeCheckpointError',
    'convert',
    'find_weights',
    'load_checkpoint',
    'register_conversion',
    'save_checkpoint',
    'to_official',
]

"""Training around the network: hooks and optimizer wrappers."""

from hrnet_ext.engine.amp import AmpOptimWrapper
from hrnet_ext.engine.checkpoint_hook import CheckpointHook
from hrnet_ext.engine.lazy_history import RuntimeInfoHook
from hrnet_ext.engine.optim_wrapper import OptimWrapper
from hrnet_ext.engine.preflight import PreflightHook
from hrnet_ext.engine.visualization_hook import PoseVisualizationHook

__all__ = [
    'AmpOptimWrapper',
    'CheckpointHook',
    'OptimWrapper',
    'PoseVisualizationHook',
    'PreflightHook',
    'RuntimeInfoHook',
]

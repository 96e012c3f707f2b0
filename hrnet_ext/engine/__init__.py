"""What runs around the network during training: hooks and optimizer wrappers."""

from hrnet_ext.engine.amp import AmpOptimWrapper
from hrnet_ext.engine.checkpoint_hook import CheckpointHook
from hrnet_ext.engine.preflight import PreflightHook

__all__ = ['AmpOptimWrapper', 'CheckpointHook', 'PreflightHook']

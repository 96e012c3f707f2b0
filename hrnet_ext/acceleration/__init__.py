"""Faster inference with a trained model, controlled by one option."""

from hrnet_ext.acceleration.hook import OptimizeHook
from hrnet_ext.acceleration.optimizing import optimize

__all__ = ['OptimizeHook', 'optimize']

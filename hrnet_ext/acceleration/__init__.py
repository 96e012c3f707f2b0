"""Faster inference with a trained model, controlled by one option."""

from hrnet_ext.acceleration.optimizing import OptimizeHook, optimize

__all__ = ['OptimizeHook', 'optimize']

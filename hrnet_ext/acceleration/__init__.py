"""The inference path: what makes a trained network quick, under one option."""

from hrnet_ext.acceleration.hook import OptimizeHook
from hrnet_ext.acceleration.optimizing import optimize

__all__ = ['OptimizeHook', 'optimize']

"""The inference path: what makes a trained network quick, under one option."""

from hrnet_ext.inference.hook import OptimizeHook
from hrnet_ext.inference.optimizing import optimize

__all__ = ['OptimizeHook', 'optimize']

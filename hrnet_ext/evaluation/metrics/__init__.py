"""The registered metrics, shells around the evaluation itself."""

from hrnet_ext.evaluation.metrics.coco import CocoMetric

__all__ = ['CocoMetric']

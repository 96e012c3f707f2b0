"""The registered metrics, thin wrappers of the evaluation functions."""

from hrnet_ext.evaluation.metrics.coco import CocoMetric
from hrnet_ext.evaluation.metrics.mpii import MpiiMetric
from hrnet_ext.evaluation.metrics.posetrack import PoseTrackMetric

__all__ = ['CocoMetric', 'MpiiMetric', 'PoseTrackMetric']

"""Pipeline steps of our own; everything else in the pipelines is MMPose's."""

from hrnet_ext.datasets.transforms.keypoint_targets import KeypointTargets

__all__ = ['KeypointTargets']

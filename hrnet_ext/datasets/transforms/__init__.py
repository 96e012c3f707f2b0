"""Pipeline steps of our own; everything else in the pipelines is MMPose's."""

from hrnet_ext.datasets.transforms.keypoint_targets import KeypointTargets
from hrnet_ext.datasets.transforms.load_image import LoadImage

__all__ = ['KeypointTargets', 'LoadImage']

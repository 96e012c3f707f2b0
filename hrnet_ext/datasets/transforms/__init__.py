"""Pipeline steps of our own; everything else in the pipelines is MMPose's."""

from hrnet_ext.datasets.transforms.augmentation import RandomBBoxTransform, RandomFlip
from hrnet_ext.datasets.transforms.keypoint_targets import KeypointTargets
from hrnet_ext.datasets.transforms.load_image import LoadImage
from hrnet_ext.datasets.transforms.pack_pose_inputs import PackPoseInputs
from hrnet_ext.datasets.transforms.topdown_affine import TopdownAffine

__all__ = [
    'KeypointTargets',
    'LoadImage',
    'PackPoseInputs',
    'RandomBBoxTransform',
    'RandomFlip',
    'TopdownAffine',
]

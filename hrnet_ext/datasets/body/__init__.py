"""Body data sets. MMPose's inferencer reads this module path to choose a person detector."""

from hrnet_ext.datasets.body.coco import CocoDataset
from hrnet_ext.datasets.body.mpii import MpiiDataset
from hrnet_ext.datasets.body.posetrack18 import PoseTrack18Dataset

__all__ = ['CocoDataset', 'MpiiDataset', 'PoseTrack18Dataset']

"""Body data sets. MMPose's inferencer reads this module path to choose a person detector."""

from hrnet_ext.datasets.body.coco import CocoDataset

__all__ = ['CocoDataset']

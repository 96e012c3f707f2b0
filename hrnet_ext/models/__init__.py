"""The network and, where MMPose is installed, what makes a pose estimator of it.

MMDetection and MMSegmentation users need no MMPose for the backbones.
"""

from importlib.util import find_spec

from hrnet_ext.models.hrnet import HRNet, HRNetV2

__all__ = ['HRNet', 'HRNetV2']

if find_spec('mmpose'):
    from hrnet_ext.models.heatmap_head import HeatmapHead
    from hrnet_ext.models.preprocessor import PoseDataPreprocessor
    from hrnet_ext.models.topdown import TopdownPoseEstimator

    __all__ += ['HeatmapHead', 'PoseDataPreprocessor', 'TopdownPoseEstimator']

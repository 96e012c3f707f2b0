"""The network and, where MMPose is installed, the pose estimator's other parts.

The backbones alone work in MMDetection and MMSegmentation without MMPose.
"""

from importlib.util import find_spec

from hrnet_ext.models.hrnet import HRNet, HRNetV2

__all__ = ['HRNet', 'HRNetV2']

if find_spec('mmpose'):
    from hrnet_ext.models.heatmap_head import HeatmapHead
    from hrnet_ext.models.preprocessor import PoseDataPreprocessor
    from hrnet_ext.models.topdown import TopdownPoseEstimator

    __all__ += ['HeatmapHead', 'PoseDataPreprocessor', 'TopdownPoseEstimator']

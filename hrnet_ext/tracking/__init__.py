"""Pose tracking: track ids for the poses of a video; needs only NumPy, SciPy and OpenCV."""

from hrnet_ext.tracking.flow import Flow, make_flow
from hrnet_ext.tracking.options import TrackingOptions
from hrnet_ext.tracking.pose_tracker import PoseTracker
from hrnet_ext.tracking.poses import PoseEstimates, TrackedPoses
from hrnet_ext.tracking.sequences import track_sequence
from hrnet_ext.tracking.variants import VARIANTS

__all__ = [
    'VARIANTS',
    'Flow',
    'PoseEstimates',
    'PoseTracker',
    'TrackedPoses',
    'TrackingOptions',
    'make_flow',
    'track_sequence',
]

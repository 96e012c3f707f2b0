"""Pose tracking: track ids for the poses of a video; needs only NumPy, SciPy and OpenCV."""

from hrnet_ext.tracking.flow import Flow, make_flow
from hrnet_ext.tracking.options import VARIANTS, TrackingOptions
from hrnet_ext.tracking.pose_tracker import PoseTracker, track_sequence
from hrnet_ext.tracking.poses import PoseEstimates, TrackedPoses

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

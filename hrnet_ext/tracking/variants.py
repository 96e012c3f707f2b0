"""Named sets of options: the variants Xiao et al. (2018) compare, and MMPose's tracking."""

from collections.abc import Mapping
from typing import Any

# Options of a PoseTracker; those not named keep their defaults. Whether boxes are propagated, and
# by which flow, is chosen beside them.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    'multi_flow': {'similarity': 'flow'},  # S_Multi-flow, the papers' best
    'flow': {'similarity': 'flow', 'queue_length': 1},  # S_Flow
    'pose': {'similarity': 'pose', 'queue_length': 1},  # S_Pose
    'box': {'similarity': 'box', 'queue_length': 1},  # S_Bbox
    'hungarian_box': {'similarity': 'box', 'matching': 'hungarian', 'queue_length': 1},
    # The demos of MMPose 1.x: previous frame, IoU above 0.3, pose by pose.
    'mmpose': {
        'similarity': 'box',
        'matching': 'in_order',
        'queue_length': 1,
        'min_similarity': 0.3,
    },
}

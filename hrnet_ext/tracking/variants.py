"""Named sets of options: the variants compared by Xiao et al. (2018), and MMPose's tracking."""

from collections.abc import Mapping
from typing import Any

# Options of a PoseTracker; others keep their defaults. Box propagation and the flow are separate
# options.
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

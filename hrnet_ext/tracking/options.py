"""Options of a tracker, and named sets of them: variants of Xiao et al. (2018) and MMPose's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hrnet_ext.tracking.association import MATCHINGS
from hrnet_ext.tracking.similarity import SIMILARITIES

SHARES = (
    'box_threshold',
    'keypoint_threshold',
    'propagation_decay',
    'box_nms_threshold',
    'pose_nms_threshold',
    'min_similarity',
)


@dataclass(frozen=True)
class TrackingOptions:
    """The options of a :class:`~hrnet_ext.tracking.PoseTracker`.

    The two score thresholds are from the papers; the other defaults were chosen on videos of
    synthetic persons.

    Args:
        box_threshold: Boxes with lower scores are dropped; 0.5 in Xiao et al. (2018).
        keypoint_threshold: Keypoints with lower scores count as absent; 0.4 in Xiao et al. Dropping
            boxes and keypoints lowers AP and raises MOTA.
        propagate_boxes: Whether the previous frame's poses, moved by the flow, add boxes to the
            detector's.
        propagation_decay: Factor of a propagated box's score, from the box in the previous frame.
            Together with ``box_threshold`` it limits how long a person is tracked without a
            detection.
        box_nms_threshold: Of two boxes with a higher IoU the one with the lower score is dropped.
        pose_nms_threshold: Of two poses with a higher OKS likewise. None keeps all; use it only
            without propagated boxes, which often contain a detected person again.
        similarity: ``'flow'``, OKS with past poses moved by the flow; ``'pose'``, OKS with
            unmoved past poses; ``'box'``, IoU with unmoved past boxes.
        matching: ``'greedy'``, best pair first; ``'hungarian'``, best sum; ``'in_order'``, pose by
            pose in the given order.
        queue_length: Number of past frames in the queue, L_Q. A person unseen for fewer keeps
            the track id.
        min_similarity: A pose continues a track only if their similarity exceeds this.

    Raises:
        ValueError: If a value is out of its range.
    """

    box_threshold: float = 0.5
    keypoint_threshold: float = 0.4
    propagate_boxes: bool = True
    propagation_decay: float = 0.8
    box_nms_threshold: float = 0.7
    pose_nms_threshold: float | None = 0.7
    similarity: str = 'flow'
    matching: str = 'greedy'
    queue_length: int = 5
    min_similarity: float = 0.01

    def __post_init__(self) -> None:
        for name, choices in (('similarity', SIMILARITIES), ('matching', MATCHINGS)):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f'{name} should be one of {list(choices)}, but is {getattr(self, name)!r}'
                )
        for name in SHARES:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f'{name} should be from 0 to 1, but is {value}')
        if self.queue_length < 1:
            raise ValueError(f'queue_length should be at least 1, but is {self.queue_length}')


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

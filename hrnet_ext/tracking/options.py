"""What can be chosen about a tracker."""

from __future__ import annotations

from dataclasses import dataclass

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
    """The choices of a :class:`~hrnet_ext.tracking.PoseTracker`.

    The papers give the two thresholds of scores; the other defaults are ours, chosen on videos of
    synthetic people.

    Args:
        box_threshold: Boxes that score less are dropped; 0.5 in Xiao et al. (2018).
        keypoint_threshold: Keypoints that score less count as absent; 0.4 there. Boxes and
            keypoints dropped cost AP and gain MOTA.
        propagate_boxes: Whether the previous frame's poses, moved by the flow, add boxes to the
            detector's.
        propagation_decay: The score of a propagated box is that of the box before it times this.
            Together with ``box_threshold`` it bounds how long somebody lives whom the detector
            has lost.
        box_nms_threshold: Of two boxes with a higher IoU the one that scores less is dropped.
        pose_nms_threshold: Of two poses with a higher OKS likewise; None to keep all, which is
            for trackers without propagated boxes: these often hold a person a second time.
        similarity: ``'flow'``, OKS with past poses moved by the flow; ``'pose'``, OKS with them
            where they were; ``'box'``, IoU of boxes where they were.
        matching: ``'greedy'``, best pair first; ``'hungarian'``, best sum; ``'in_order'``, pose by
            pose as they are listed.
        queue_length: How many past frames are remembered, L_Q; somebody who is away for fewer
            frames gets the same track id back.
        min_similarity: A pose continues a track only if it is more similar to it than this.

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

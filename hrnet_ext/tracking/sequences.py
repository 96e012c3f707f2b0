"""Tracks poses estimated beforehand through whole sequences."""

from collections.abc import Iterable

import numpy as np

from hrnet_ext.tracking.pose_tracker import PoseTracker
from hrnet_ext.tracking.poses import PoseEstimates, TrackedPoses


def track_sequence(
    tracker: PoseTracker,
    frames: Iterable[np.ndarray | None],
    poses: Iterable[PoseEstimates],
) -> list[TrackedPoses]:
    """Track the poses of a sequence, annotated or stored ones, from its first frame on.

    Args:
        tracker: It is reset first.
        frames: In their order, unlabelled ones too; None each will do if the tracker's flow is
            ``'none'``.
        poses: Those of each frame; none where there are no annotations.

    Raises:
        ValueError: If there are more or fewer frames than poses, or some are not sound.
    """
    tracker.reset()
    return [tracker.track(frame, given) for frame, given in zip(frames, poses, strict=True)]

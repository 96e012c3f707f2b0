"""Track existing poses through whole sequences."""

from collections.abc import Iterable

import numpy as np

from hrnet_ext.tracking.pose_tracker import PoseTracker
from hrnet_ext.tracking.poses import PoseEstimates, TrackedPoses


def track_sequence(
    tracker: PoseTracker,
    frames: Iterable[np.ndarray | None],
    poses: Iterable[PoseEstimates],
) -> list[TrackedPoses]:
    """Track the annotated or stored poses of a sequence.

    Args:
        tracker: It is reset first.
        frames: All frames in order, also unlabeled ones; each may be None if the tracker's flow is
            ``'none'``.
        poses: The poses of each frame; empty without annotations.

    Raises:
        ValueError: If the numbers of frames and poses differ, or one is invalid.
    """
    tracker.reset()
    return [tracker.track(frame, given) for frame, given in zip(frames, poses, strict=True)]

"""The poses of the last frames, moved to the current frame, for the matching of tracks.

N: number of poses of a frame; K: number of keypoints; T: number of tracks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from hrnet_ext.tracking.poses import TrackedPoses

Move = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class PastFrame:
    """A past frame's poses, and their keypoints (N, K, 2) moved to the current frame."""

    seen: TrackedPoses
    moved: np.ndarray

    def poses_now(self) -> TrackedPoses:
        """The poses with their keypoints in the current frame."""
        return replace(self.seen, keypoints=self.moved)


@dataclass(frozen=True)
class TrackQueue:
    """The deque Q of Xiao et al. (2018): the last ``length`` frames, newest first.

    A queue is immutable; its methods return new ones.
    """

    length: int
    frames: tuple[PastFrame, ...] = field(default=())

    def moved(self, move: Move) -> TrackQueue:
        """The queue with all keypoints moved to the next frame, in one call of ``move``.

        Args:
            move: Takes keypoints (M, K, 2) and whether they are present (M, K), and returns the
                keypoints in the next frame; not called if the queue has no poses.
        """
        counts = [len(past.seen) for past in self.frames]
        if not sum(counts):
            return self
        keypoints = move(
            np.concatenate([past.moved for past in self.frames]),
            np.concatenate([past.seen.present for past in self.frames]),
        )
        parts = np.split(keypoints, np.cumsum(counts)[:-1])
        pairs = zip(self.frames, parts)
        return replace(self, frames=tuple(replace(past, moved=part) for past, part in pairs))

    def pushed(self, poses: TrackedPoses) -> TrackQueue:
        """The queue with the current frame's poses as its newest, without the oldest frame."""
        newest = PastFrame(seen=poses, moved=poses.keypoints)
        return replace(self, frames=(newest, *self.frames)[: self.length])

    def similarity_by_track(
        self, similarity: Callable[[PastFrame], np.ndarray], num_current: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Similarity of tracks and current poses: the maximum over the past poses of a track.

        Args:
            similarity: Returns (N, ``num_current``), a past frame's poses with the current ones.
            num_current: Number of current poses.

        Returns:
            Ids (T,) of the tracks in ascending order, and their similarities
            (T, ``num_current``).
        """
        ids = np.concatenate([np.zeros(0, np.int64)] + [f.seen.track_ids for f in self.frames])
        track_ids, rows = np.unique(ids, return_inverse=True)
        by_track = np.zeros((len(track_ids), num_current))
        if len(ids):
            by_pose = np.concatenate([similarity(past) for past in self.frames])
            np.maximum.at(by_track, rows, by_pose)
        return track_ids, by_track

"""The poses of the last frames, brought up to the current one, by which a tracker knows people.

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
    """A past frame's poses as they were seen, and their keypoints (N, K, 2) where they are now."""

    seen: TrackedPoses
    moved: np.ndarray

    def poses_now(self) -> TrackedPoses:
        """The poses with their keypoints in the current frame."""
        return replace(self.seen, keypoints=self.moved)


@dataclass(frozen=True)
class TrackQueue:
    """The deque Q of Xiao et al. (2018): the last ``length`` frames, newest first.

    A queue is never changed; its methods give new ones.
    """

    length: int
    frames: tuple[PastFrame, ...] = field(default=())

    def moved(self, move: Move) -> TrackQueue:
        """The queue with all its keypoints moved on to the next frame, in one call of ``move``.

        Args:
            move: Takes keypoints (M, K, 2) and whether they are present (M, K) to the keypoints
                in the next frame; not called if the queue holds nobody.
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
        """The queue with the current frame's poses at its head, and the oldest frame gone."""
        newest = PastFrame(seen=poses, moved=poses.keypoints)
        return replace(self, frames=(newest, *self.frames)[: self.length])

    def similarity_by_track(
        self, similarity: Callable[[PastFrame], np.ndarray], num_current: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """How similar the tracks are to the current poses, each by its most similar past pose.

        Args:
            similarity: (N, ``num_current``) of a past frame's poses with the current ones.
            num_current: How many current poses there are.

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

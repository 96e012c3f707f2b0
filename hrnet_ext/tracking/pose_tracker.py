"""Track persons through a video, frame by frame.

N: number of persons in a frame; K: number of keypoints; image space, pixels.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from hrnet_ext.formats.box_arrays import box_arrays
from hrnet_ext.tracking.association import MATCHINGS, UNMATCHED
from hrnet_ext.tracking.boxes import boxes_around, suppress
from hrnet_ext.tracking.flow import DenseFunction, Flow, frame_size, make_flow
from hrnet_ext.tracking.options import TrackingOptions
from hrnet_ext.tracking.poses import PoseEstimates, TrackedPoses, checked_estimates, checked_poses
from hrnet_ext.tracking.propagation import Candidates, detected, propagated, unify
from hrnet_ext.tracking.similarity import SIMILARITIES, pose_similarity
from hrnet_ext.tracking.track_queue import TrackQueue

PoseFunction = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class _Now(NamedTuple):
    """A frame preprocessed for the flow, and the past poses moved to it."""

    prepared: Any
    queue: TrackQueue


class PoseTracker:
    """The tracker of Simple Baselines (Xiao et al., 2018), which HRNet uses. Its steps are:

    add boxes propagated by the flow from the previous frame to the detected boxes; drop low-score
    boxes and apply NMS; estimate poses; drop low-score keypoints, poses without keypoints and
    duplicate poses; match the poses with those of the past frames, moved by the flow; give new ids
    to unmatched poses.

    The output depends only on the input since the last :meth:`reset`. A call that raises does not
    change the tracker.

    Args:
        pose_fn: Estimates poses: takes a frame and boxes (N, 4), (x1, y1, x2, y2), and returns
            keypoints (N, K, 2) and their scores (N, K). Not called without boxes. None if the
            tracker only gets existing poses.
        sigmas: (K,) of OKS: ``dataset_meta['sigmas']``.
        flow: See :func:`~hrnet_ext.tracking.make_flow`.
        **options: The fields of :class:`~hrnet_ext.tracking.TrackingOptions`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        pose_fn: PoseFunction | None = None,
        *,
        sigmas: Sequence[float],
        flow: str | DenseFunction | Flow = 'dis',
        **options: Any,
    ) -> None:
        self.pose_fn = pose_fn
        self.sigmas = np.asarray(sigmas, np.float64)
        if self.sigmas.ndim != 1 or not len(self.sigmas) or not (self.sigmas > 0).all():
            raise ValueError(f'sigmas should be K positive numbers, but are {sigmas!r}')
        self.flow = make_flow(flow)
        self.options = TrackingOptions(**options)
        self.reset()

    def reset(self) -> None:
        """Clear the state for a new video; track ids start at 0."""
        self._queue = TrackQueue(self.options.queue_length)
        self._previous: Any = None
        self._next_id = 0
        self._num_frames = 0

    def update(self, frame: np.ndarray, boxes: np.ndarray) -> TrackedPoses:
        """Estimate and track the persons of the video's next frame.

        Args:
            frame: (H, W, 3) BGR, (H, W) gray or (H, W, 4) BGRA, uint8.
            boxes: Detected boxes: (N, 4), (x1, y1, x2, y2), or (N, 5) with scores, see
                :mod:`hrnet_ext.formats.box_arrays`. They are clipped to the frame; boxes outside
                the frame or without area are dropped.

        Raises:
            ValueError: If something is not as described, or a number is not finite.
        """
        if self.pose_fn is None:
            raise ValueError('update() needs a pose_fn; give one to PoseTracker, or use track()')
        given = detected(*box_arrays(boxes, self._where)[:2])
        now = self._advance(frame)
        candidates = [given.within(frame_size(frame))]
        if self.options.propagate_boxes and now.queue.frames:
            moved_boxes = propagated(
                now.queue.frames[0].poses_now(), self.options.propagation_decay
            )
            candidates.append(moved_boxes.within(frame_size(frame)))
        chosen = unify(
            candidates, threshold=self.options.box_threshold, iou=self.options.box_nms_threshold
        )
        poses = self._poses(*self._estimate(frame, chosen.boxes), chosen)
        return self._identify(now, self._without_duplicates(poses))

    def track(self, frame: np.ndarray | None, poses: PoseEstimates) -> TrackedPoses:
        """Track existing poses through the video's next frame.

        Low-score boxes and keypoints are dropped as in :meth:`update`, but no boxes are propagated
        and no duplicates are removed. The order of persons is kept.

        Args:
            frame: As in :meth:`update`; may be None if the flow is ``'none'``.
            poses: The poses of the frame.

        Raises:
            ValueError: If something is not as described, or a number is not finite.
        """
        keypoints, scores, boxes, box_scores = checked_poses(poses, len(self.sigmas), self._where)
        now = self._advance(frame)
        if boxes is None:
            boxes = boxes_around(keypoints, self._is_present(scores))
        kept = box_scores >= self.options.box_threshold
        given = detected(boxes, box_scores).select(kept)
        return self._identify(now, self._poses(keypoints[kept], scores[kept], given))

    @property
    def _where(self) -> str:
        return f'frame {self._num_frames}'

    def _is_present(self, scores: np.ndarray) -> np.ndarray:
        return scores >= self.options.keypoint_threshold

    def _advance(self, frame: np.ndarray | None) -> _Now:
        """Preprocess the next frame and move the past poses to it."""
        prepared = self.flow.prepare(frame)
        queue = self._queue.moved(
            lambda keypoints, present: self.flow.move(self._previous, prepared, keypoints, present)
        )
        return _Now(prepared, queue)

    def _estimate(self, frame: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (N, K, 2) and scores (N, K) of the persons in ``boxes`` (N, 4)."""
        if not len(boxes):
            return np.zeros((0, len(self.sigmas), 2)), np.zeros((0, len(self.sigmas)))
        where = f'{self._where}, pose_fn'
        estimated = self.pose_fn(frame, boxes)
        keypoints, scores = checked_estimates(*estimated, len(self.sigmas), where)
        if len(keypoints) != len(boxes):
            raise ValueError(
                f'{where}: got {len(boxes)} boxes, but returned {len(keypoints)} poses'
            )
        return keypoints, scores

    def _poses(self, keypoints: np.ndarray, scores: np.ndarray, origin: Candidates) -> TrackedPoses:
        """The poses with at least one present keypoint, not yet matched."""
        poses = TrackedPoses(
            track_ids=np.full(len(keypoints), UNMATCHED),
            keypoints=keypoints,
            keypoint_scores=scores,
            present=self._is_present(scores),
            boxes=origin.boxes,
            box_scores=origin.scores,
            sources=origin.sources,
        )
        return poses.select(poses.present.any(axis=1))

    def _without_duplicates(self, poses: TrackedPoses) -> TrackedPoses:
        """The poses without those that are too similar to a better one."""
        threshold = self.options.pose_nms_threshold
        if threshold is None:
            return poses
        clash = pose_similarity(poses, poses, self.sigmas) > threshold
        return poses.select(suppress(clash, poses.pose_scores()))

    def _identify(self, now: _Now, poses: TrackedPoses) -> TrackedPoses:
        """Assign track ids to the poses, store them and finish the frame."""
        poses = replace(poses, track_ids=self._track_ids(now.queue, poses))
        self._next_id = max(self._next_id, int(poses.track_ids.max(initial=-1)) + 1)
        self._queue = now.queue.pushed(poses)
        self._previous = now.prepared
        self._num_frames += 1
        return poses.copy()  # so that changes by the caller do not affect the stored poses

    def _track_ids(self, queue: TrackQueue, poses: TrackedPoses) -> np.ndarray:
        """Ids (N,): of the matched tracks, and new ones."""
        measure = SIMILARITIES[self.options.similarity]
        known_ids, similarity = queue.similarity_by_track(
            lambda past: measure(past, poses, self.sigmas), len(poses)
        )
        match = MATCHINGS[self.options.matching](similarity, self.options.min_similarity)
        new = match == UNMATCHED
        track_ids = np.empty(len(poses), np.int64)
        track_ids[~new] = known_ids[match[~new]]
        track_ids[new] = self._next_id + np.arange(new.sum())
        return track_ids


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

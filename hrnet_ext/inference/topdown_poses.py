"""Poses of the persons in boxes: crops of several frames in one batch.

Legend: N persons; K keypoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.evaluation.functional import nearby_joints_nms
from mmpose.structures import PoseDataSample, merge_data_samples, split_instances
from torch import nn

from hrnet_ext.formats.box_arrays import box_arrays, refuse_faults
from hrnet_ext.formats.images import as_bgr
from hrnet_ext.inference.frames import Frame, made_up_name
from hrnet_ext.tracking import TrackedPoses


def instances_of(sample: PoseDataSample) -> list[dict]:
    """The persons of a sample as MMPose's dicts, with ``track_id`` if they are tracked."""
    people = sample.pred_instances
    instances = split_instances(people)
    for instance, track_id in zip(instances, people.get('track_ids', ())):
        instance['track_id'] = int(track_id)
    return instances


def without_duplicates(sample: PoseDataSample) -> PoseDataSample:
    """Remove poses that have a third of their keypoints near those of a better pose.

    Equal to MMPose's ``pose_based_nms``, including the order.
    """
    people = sample.pred_instances
    if not len(people):
        return sample
    described = [
        {'keypoints': keypoints, 'score': score}
        for keypoints, score in zip(people.keypoints, people.bbox_scores)
    ]
    kept = nearby_joints_nms(described, num_nearby_joints_thr=people.keypoints.shape[1] // 3)
    thinned = sample.clone()
    thinned.pred_instances = people[kept]
    return thinned


class TopdownPoses:
    """Estimates the poses in given boxes.

    Args:
        model: A top-down pose estimator with MMPose's interface.
        pipeline: Its test pipeline; ``img`` in its input is the image itself.
        dataset_meta: Metadata of the keypoints of its data set.
        max_people: Maximum number of crops in one forward pass.

    Raises:
        ValueError: If ``max_people`` is below 1.
    """

    def __init__(
        self, model: nn.Module, pipeline: Callable, dataset_meta: Mapping, *, max_people: int
    ) -> None:
        if max_people < 1:
            raise ValueError(f'max_people should be at least 1, but is {max_people}')
        self.model, self.pipeline, self.max_people = model, pipeline, max_people
        self.dataset_meta = dict(dataset_meta)

    @torch.no_grad()
    def __call__(
        self, frames: Sequence[Frame], boxes: Sequence[np.ndarray]
    ) -> list[list[PoseDataSample]]:
        """A sample for each box of each frame, in one forward pass if ``max_people`` allows.

        Args:
            frames: The images.
            boxes: (N, 5) for each.
        """
        crops = [
            self._crop(frame, box) for frame, of_frame in zip(frames, boxes) for box in of_frame
        ]
        num_passes = -(-len(crops) // self.max_people)
        bounds = np.linspace(0, len(crops), num_passes + 1).astype(int)
        samples = [
            sample for begin, end in pairwise(bounds) for sample in self._forward(crops[begin:end])
        ]
        ends = np.cumsum([len(of_frame) for of_frame in boxes])
        return [samples[end - len(of_frame) : end] for end, of_frame in zip(ends, boxes)]

    def estimate(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (N, K, 2), image space, and scores (N, K) of the persons in boxes (N, 4).

        Image and boxes have the same forms as for
        :class:`~hrnet_ext.export.runtime.PoseSession`.

        Raises:
            ValueError: If the image is invalid, or a box is outside it; the message names the box.
        """
        frame = Frame(0, made_up_name(0), as_bgr(image))
        corners = box_arrays(boxes).corners
        refuse_faults(corners, frame.size)
        scored = np.insert(corners.astype(np.float32), 4, 1, axis=1)
        (samples,) = self([frame], [scored])
        people = self.merge(frame, samples).pred_instances
        return people.keypoints, people.keypoint_scores

    def _crop(self, frame: Frame, box: np.ndarray) -> dict:
        """The pipeline's output for one person."""
        return self.pipeline(
            {
                **self.dataset_meta,
                'img': frame.image,
                'img_path': frame.path,
                'bbox': box[None, :4],
                'bbox_score': box[4:],
            }
        )

    def _forward(self, crops: list[dict]) -> list[PoseDataSample]:
        inputs = torch.stack([crop['inputs'] for crop in crops])
        return self.model.test_step(
            {'inputs': inputs, 'data_samples': [crop['data_samples'] for crop in crops]}
        )

    def merge(self, frame: Frame, people: list[PoseDataSample]) -> PoseDataSample:
        """One sample with all persons of a frame; there may be none."""
        if people:
            return merge_data_samples(people)
        kept = self.model.test_cfg.get('output_keypoint_indices')
        num_keypoints = len(self.dataset_meta['keypoint_id2name'] if kept is None else kept)
        scores = np.zeros((0, num_keypoints), np.float32)
        empty = InstanceData(
            keypoints=np.zeros((0, num_keypoints, 2), np.float32),
            keypoint_scores=scores,
            keypoints_visible=scores,
            bboxes=np.zeros((0, 4), np.float32),
            bbox_scores=np.zeros(0, np.float32),
        )
        return _sample(frame, empty)


def tracked_sample(frame: Frame, poses: TrackedPoses) -> PoseDataSample:
    """The tracked persons of a frame as an MMPose sample, with ``track_ids`` (N,)."""
    scores = poses.keypoint_scores.astype(np.float32)
    people = InstanceData(
        keypoints=poses.keypoints.astype(np.float32),
        keypoint_scores=scores,
        keypoints_visible=scores,
        bboxes=poses.boxes.astype(np.float32),
        bbox_scores=poses.box_scores.astype(np.float32),
        track_ids=poses.track_ids,
    )
    return _sample(frame, people)


def _sample(frame: Frame, people: InstanceData) -> PoseDataSample:
    shape = frame.image.shape[:2]
    sample = PoseDataSample(
        metainfo={'img_path': frame.path, 'ori_shape': shape, 'img_shape': shape}
    )
    sample.pred_instances = people
    return sample

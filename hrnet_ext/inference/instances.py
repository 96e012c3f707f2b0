"""The people of a sample as plain dicts, and the samples of people alone."""

from __future__ import annotations

from mmpose.evaluation.functional import nearby_joints_nms
from mmpose.structures import PoseDataSample, split_instances


def instances_of(sample: PoseDataSample) -> list[dict]:
    """A sample's people as MMPose's dicts, with ``track_id`` where they are tracked."""
    people = sample.pred_instances
    instances = split_instances(people)
    for instance, track_id in zip(instances, people.get('track_ids', ())):
        instance['track_id'] = int(track_id)
    return instances


def without_duplicates(sample: PoseDataSample) -> PoseDataSample:
    """The sample less poses that have a third of their keypoints near those of a better one.

    MMPose's ``pose_based_nms``, by its rules and in its order.
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

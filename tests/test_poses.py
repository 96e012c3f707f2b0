"""Predicted poses: MMPose's scores and choices, read from its data samples."""

import json

import numpy as np
import pytest
import torch
from mmpose.evaluation.metrics import CocoMetric as MMPoseCocoMetric

from hrnet_ext.evaluation.metrics.collecting import poses_of
from hrnet_ext.evaluation.poses import NMS_MODES, SCORE_MODES, Poses, pose_scores, suppress

SIGMAS = np.array(
    [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
) / 1000  # fmt: skip
# Until NumPy 2, MMPose's loop over single-precision scores added in double precision.
SINGLE = 0 if np.lib.NumpyVersion(np.__version__) >= '2.0.0' else 3e-7


def samples(rng: np.random.Generator, num: int) -> list[dict]:
    """People of one image as a top-down model hands them over: some twice, keypoints all low."""
    places = rng.uniform(0, 400, (num, 1, 2)) + rng.uniform(-60, 60, (17, 2))
    places[1::3] = places[: len(places[1::3])]
    keypoints = (places + rng.normal(0, 2, places.shape)).astype(np.float32)
    keypoint_scores = rng.uniform(0, 1, (num, 17)).astype(np.float32)
    keypoint_scores[0] /= 10  # none above the threshold
    scales = rng.uniform(60, 200, (num, 1, 2)).astype(np.float32)
    return [
        {
            'id': index,
            'img_id': 7,
            'pred_instances': {
                'keypoints': keypoints[index : index + 1],
                'keypoint_scores': keypoint_scores[index : index + 1],
            },
            'gt_instances': {
                'bbox_scores': rng.uniform(0, 1, 1).astype(np.float32),
                'bbox_scales': scales[index],
            },
        }
        for index in range(num)
    ]


def mmpose_results(people: list[dict], folder, **settings) -> list[dict]:
    """What MMPose would hand to its evaluator."""
    metric = MMPoseCocoMetric(format_only=True, outfile_prefix=str(folder / 'mmpose'), **settings)
    metric.dataset_meta = {'dataset_name': 'x', 'num_keypoints': 17, 'sigmas': SIGMAS}
    metric.coco = object()  # the ground truth plays no part
    metric.process([], people)
    metric.evaluate(len(people))
    return json.loads((folder / 'mmpose.keypoints.json').read_text())


@pytest.mark.parametrize('mode', SCORE_MODES)
def test_scores_are_mmposes(mode, tmp_path):
    people = samples(np.random.default_rng(0), 60)
    poses = Poses.concatenate([poses_of(person) for person in people])
    ours = pose_scores(poses, mode, 0.4)
    assert ours.dtype == np.float32
    theirs = mmpose_results(
        people, tmp_path, score_mode=mode, keypoint_score_thr=0.4, nms_mode='none'
    )
    np.testing.assert_allclose(ours, [result['score'] for result in theirs], rtol=SINGLE, atol=0)


@pytest.mark.parametrize('mode', NMS_MODES)
def test_the_kept_poses_are_mmposes(mode, tmp_path):
    kept = []
    for seed in range(20):
        people = samples(np.random.default_rng(seed), 25)
        poses = Poses.concatenate([poses_of(person) for person in people])
        scores = pose_scores(poses)
        indices = suppress(poses, scores, mode, 0.7, sigmas=SIGMAS)
        theirs = mmpose_results(people, tmp_path, nms_mode=mode, nms_thr=0.7)
        ours = np.concatenate([poses.keypoints, poses.keypoint_scores[..., None]], axis=2)[indices]
        np.testing.assert_array_equal(ours.reshape(-1, 51), [each['keypoints'] for each in theirs])
        kept.append(len(indices))
    bounds = {'oks_nms': (10, 24), 'soft_oks_nms': (20, 20), 'none': (25, 25)}[mode]
    assert bounds[0] <= min(kept) <= max(kept) <= bounds[1]


def test_unsuppressed_poses_stay_as_they_are_listed():
    poses = Poses(np.zeros((4, 1, 2)), np.ones((4, 1)), np.array([0.2, 0.5, 0.2, 0.9]), np.ones(4))
    kept = suppress(poses, pose_scores(poses), 'none', sigmas=np.ones(1))
    assert kept.tolist() == [0, 1, 2, 3]


def test_predicted_box_scores_come_before_the_given_ones():
    person = samples(np.random.default_rng(0), 1)[0]
    person['pred_instances']['bbox_scores'] = torch.tensor([0.25])
    assert poses_of(person).box_scores.tolist() == [0.25]


def test_boxes_of_other_people_say_nothing():
    """A bottom-up model found two people where one is annotated."""
    one, other = samples(np.random.default_rng(0), 2)
    both = {
        name: np.concatenate([one['pred_instances'][name], other['pred_instances'][name]])
        for name in one['pred_instances']
    }
    poses = poses_of({'pred_instances': both, 'gt_instances': one['gt_instances']})
    assert poses.box_scores.tolist() == [1, 1]
    low, high = both['keypoints'].min(axis=1), both['keypoints'].max(axis=1)
    np.testing.assert_array_equal(poses.areas, np.prod(high - low, axis=1))
    np.testing.assert_array_equal(poses.areas, poses_of({'pred_instances': both}).areas)


def test_nobody_is_no_pose():
    nobody = poses_of(
        {
            'pred_instances': {
                'keypoints': np.zeros((0, 17, 2)),
                'keypoint_scores': np.zeros((0, 17)),
            }
        }
    )
    assert len(nobody) == 0
    for mode in SCORE_MODES:
        assert pose_scores(nobody, mode).tolist() == []
    for mode in NMS_MODES:
        kept = suppress(nobody, pose_scores(nobody), mode, sigmas=SIGMAS)
        assert len(nobody.select(kept)) == 0


def test_selecting_takes_every_field_along():
    poses = Poses(np.zeros((3, 2, 2)), np.ones((3, 2)), np.arange(3.0), np.arange(3.0) * 10)
    chosen = poses.select([2, 0])
    assert chosen.box_scores.tolist() == [2, 0]
    assert chosen.areas.tolist() == [20, 0]
    assert len(poses.select([])) == 0
    assert poses.select(poses.areas > 5).areas.tolist() == [10, 20]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'keypoints': np.zeros((2, 34))}, r'keypoints should be \(N, K, 2\), but are \(2, 34\)'),
        ({'keypoint_scores': np.ones((2, 16))}, r'keypoint_scores should be \(2, 17\)'),
        ({'areas': np.ones((2, 1))}, r'areas should be \(2,\)'),
    ],
)
def test_shapes_must_agree(change, message):
    sound = {
        'keypoints': np.zeros((2, 17, 2)),
        'keypoint_scores': np.ones((2, 17)),
        'box_scores': np.ones(2),
        'areas': np.ones(2),
    }
    with pytest.raises(ValueError, match=message):
        Poses(**{**sound, **change})


def test_unknown_modes_are_refused():
    poses = Poses(np.zeros((1, 17, 2)), np.ones((1, 17)), np.ones(1), np.ones(1))
    with pytest.raises(ValueError, match=r"`score_mode` should be one of bbox, .*but is 'box'"):
        pose_scores(poses, 'box')
    with pytest.raises(ValueError, match=r"`nms_mode` should be one of oks_nms, .*but is 'nms'"):
        suppress(poses, np.ones(1), 'nms', sigmas=SIGMAS)


def test_a_sample_without_predictions_is_refused():
    with pytest.raises(ValueError, match='data sample 3 has no pred_instances'):
        poses_of({'id': 3})

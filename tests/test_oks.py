"""OKS and its non-maximum suppression: the definition, and MMPose's choices pose by pose."""

import time

import numpy as np
import pytest
from mmpose.evaluation.functional.nms import oks_iou as mmpose_oks
from mmpose.evaluation.functional.nms import oks_nms as mmpose_oks_nms
from mmpose.evaluation.functional.nms import soft_oks_nms as mmpose_soft_oks_nms

from hrnet_ext.evaluation.oks import oks, oks_nms, soft_oks_nms

SIGMAS = np.array(
    [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
) / 1000  # fmt: skip


def crowd(rng: np.random.Generator, num: int, *, ties: bool = False) -> tuple:
    """Poses (num, 17, 2) of a third as many people, with scores and areas."""
    people = rng.uniform(0, 500, (max(1, num // 3), 1, 2)) + rng.uniform(-60, 60, (17, 2))
    noise = rng.choice([0.5, 3, 30], num)[:, None, None] * rng.normal(size=(num, 17, 2))
    keypoints = people[rng.integers(0, len(people), num)] + noise
    scores = rng.integers(0, 4, num) / 4 if ties else rng.uniform(0, 1, num)
    return keypoints.astype(np.float32), scores, rng.uniform(4000, 20000, num).astype(np.float32)


def as_mmpose(keypoints: np.ndarray, scores: np.ndarray, areas: np.ndarray) -> list[dict]:
    """The same poses as MMPose's functions take them."""
    visible = np.ones((*keypoints.shape[:2], 1), keypoints.dtype)
    stacked = np.concatenate([keypoints, visible], axis=2)
    return [
        {'keypoints': pose, 'score': score, 'area': area}
        for pose, score, area in zip(stacked, scores, areas)
    ]


def test_one_keypoint_off_lowers_oks_by_its_share():
    pose = np.zeros((1, 17, 2))
    other = pose.copy()
    other[0, 5] = (30, 40)  # a shoulder, 50 pixels off
    # The area of the pair is (8000 + 12000) / 2.
    expected = (16 + np.exp(-(50**2) / (2 * 10000 * (2 * 0.079) ** 2))) / 17
    found = oks(
        pose, other, areas=np.array([8000.0]), other_areas=np.array([12000.0]), sigmas=SIGMAS
    )
    assert found.shape == (1, 1)
    assert found[0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize('num', [1, 7, 90])  # 90: more pairs than are computed at once
def test_oks_equals_mmposes_for_all_pairs(num):
    keypoints, scores, areas = crowd(np.random.default_rng(num), num)
    ours = oks(keypoints, keypoints[:60], areas=areas, other_areas=areas[:60], sigmas=SIGMAS)
    flat = np.array([one['keypoints'].ravel() for one in as_mmpose(keypoints, scores, areas)])
    theirs = [mmpose_oks(flat[i], flat[:60], areas[i], areas[:60], SIGMAS) for i in range(num)]
    np.testing.assert_allclose(ours, np.array(theirs), rtol=2e-7, atol=1e-44)


@pytest.mark.parametrize('threshold', [0.0, 0.3, 0.9, 1.0])
def test_oks_nms_keeps_what_mmpose_keeps(threshold):
    rng = np.random.default_rng(0)
    dropped = 0
    for num in rng.integers(1, 40, 40):
        poses = crowd(rng, num)
        ours = oks_nms(*poses, threshold, SIGMAS)
        np.testing.assert_array_equal(ours, mmpose_oks_nms(as_mmpose(*poses), threshold, SIGMAS))
        dropped += num - len(ours)
    assert (dropped > 0) == (threshold < 1)


def test_of_equal_scores_the_last_listed_is_kept():
    keypoints = np.zeros((3, 17, 2))
    assert oks_nms(keypoints, np.array([0.5, 0.5, 0.1]), np.ones(3), 0.9, SIGMAS).tolist() == [1]
    rng = np.random.default_rng(1)
    for num in rng.integers(2, 40, 40):
        keypoints, scores, areas = crowd(rng, num, ties=True)
        # MMPose's sort leaves the order of ties to the machine; here it is told ours.
        untied = scores + np.arange(num) * 1e-9
        theirs = mmpose_oks_nms(as_mmpose(keypoints, untied, areas), 0.5, SIGMAS)
        np.testing.assert_array_equal(oks_nms(keypoints, scores, areas, 0.5, SIGMAS), theirs)


def test_soft_oks_nms_takes_what_mmpose_takes_in_its_order():
    rng = np.random.default_rng(2)
    reordered = 0
    for num in rng.integers(1, 40, 40):
        poses = crowd(rng, num)
        ours = soft_oks_nms(*poses, 0.9, SIGMAS)
        theirs = mmpose_soft_oks_nms(as_mmpose(*poses), 0.9, 20, SIGMAS)
        np.testing.assert_array_equal(ours, theirs)
        reordered += (np.diff(poses[1][ours]) > 0).any()
    assert reordered  # a decayed score was overtaken


def test_of_equal_scores_soft_oks_nms_takes_the_last_listed_in_every_round():
    keypoints = np.arange(5.0)[:, None, None] * 1e4 + np.zeros((5, 17, 2))  # nothing decays
    poses = keypoints, np.full(5, 0.5), np.ones(5)
    assert soft_oks_nms(*poses, 0.9, SIGMAS).tolist() == [4, 3, 2, 1, 0]


def test_soft_oks_nms_takes_no_more_than_asked_and_each_pose_once():
    poses = crowd(np.random.default_rng(3), 30)
    assert len(soft_oks_nms(*poses, 0.9, SIGMAS, max_num=7)) == 7
    assert sorted(soft_oks_nms(*poses, 1e-6, SIGMAS, max_num=99)) == list(range(30))


def test_no_pose_gives_no_index():
    nothing = (np.zeros((0, 17, 2)), np.zeros(0), np.zeros(0))
    assert oks_nms(*nothing, 0.9, SIGMAS).tolist() == []
    assert soft_oks_nms(*nothing, 0.9, SIGMAS).tolist() == []
    assert oks_nms([], [], [], 0.9, SIGMAS).tolist() == []


def test_the_arguments_stay_as_they_were():
    poses = crowd(np.random.default_rng(4), 10)
    copies = [each.copy() for each in poses]
    oks_nms(*poses, 0.3, SIGMAS)
    soft_oks_nms(*poses, 0.3, SIGMAS)
    for before, after in zip(copies, poses):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'keypoints': np.zeros((2, 14, 2))}, r'should be \(N, 17, 2\).*\(2, 14, 2\)'),
        ({'scores': np.zeros(3)}, r'scores should be \(2,\), one per pose, but are \(3,\)'),
        ({'areas': np.zeros((2, 1))}, r'areas should be \(2,\)'),
        ({'scores': np.array([0.5, np.nan])}, 'scores of pose 1 are not finite: nan'),
        ({'keypoints': np.full((2, 17, 2), np.inf)}, 'keypoints of pose 0 are not finite'),
    ],
)
def test_unsound_poses_are_refused(change, message):
    poses = {'keypoints': np.zeros((2, 17, 2)), 'scores': np.ones(2), 'areas': np.ones(2)}
    for suppress in (oks_nms, soft_oks_nms):
        with pytest.raises(ValueError, match=message):
            suppress(**{**poses, **change}, threshold=0.9, sigmas=SIGMAS)


def test_a_decay_of_no_width_is_refused():
    with pytest.raises(ValueError, match='should be positive, but is 0'):
        soft_oks_nms(np.zeros((1, 17, 2)), np.ones(1), np.ones(1), 0, SIGMAS)


@pytest.mark.slow
def test_a_fifth_of_cocos_result_set_takes_a_tenth_of_mmposes_time():
    rng = np.random.default_rng(5)
    counts = np.maximum(1, rng.gamma(1.2, 104125 / 5000 / 1.2, 1000).astype(int))
    images = [crowd(rng, num) for num in counts]
    as_dicts = [as_mmpose(*poses) for poses in images]
    start = time.process_time()
    ours = [oks_nms(*poses, 0.9, SIGMAS) for poses in images]
    middle = time.process_time()
    theirs = [mmpose_oks_nms(poses, 0.9, SIGMAS) for poses in as_dicts]
    seconds = middle - start, time.process_time() - middle
    print(f'{counts.sum()} poses: {seconds[0]:.2f} s, MMPose {seconds[1]:.2f} s')
    assert all(np.array_equal(mine, other) for mine, other in zip(ours, theirs))
    assert seconds[1] > 10 * seconds[0]

"""People in videos walk as people do, and their paths are those of their feet."""

import numpy as np
import pytest

from hrnet_ext.synthetic.skeleton import (
    JOINT_INDEX,
    LIMITS,
    Body,
    mirrored_angles,
    named_points,
    solve,
)
from hrnet_ext.synthetic.video.motion import Gait, Turn, gesture, hip_height, sample_gait, walk

PHASES = np.linspace(0, 2 * np.pi, 48, endpoint=False)
GAITS = [sample_gait(np.random.default_rng(seed)) for seed in range(6)]


def stride(gait, name, body=None):
    """Positions (48, 3) of a keypoint over a stride, meters, relative to the hips."""
    body = body or Body()
    return np.array([named_points(body, solve(body, gait.angles(phase)))[name] for phase in PHASES])


def correlation(first, second):
    return np.corrcoef(first, second)[0, 1]


@pytest.mark.parametrize('gait', GAITS)
def test_legs_and_arms_swing_in_opposite_phase(gait):
    ahead = {
        name: stride(gait, name)[:, 2]
        for name in ('left_ankle', 'right_ankle', 'left_wrist', 'right_wrist')
    }
    assert correlation(ahead['left_ankle'], ahead['right_ankle']) < -0.8
    assert correlation(ahead['left_wrist'], ahead['right_wrist']) < -0.8
    assert correlation(ahead['left_wrist'], ahead['left_ankle']) < -0.8


@pytest.mark.parametrize('gait', GAITS)
def test_half_a_stride_later_left_and_right_have_changed_roles(gait):
    for phase in PHASES[::6]:
        np.testing.assert_allclose(
            gait.angles(phase + np.pi), mirrored_angles(gait.angles(phase)), atol=1e-9
        )


@pytest.mark.parametrize('gait', GAITS)
def test_the_swinging_knee_bends_and_the_standing_one_hardly(gait):
    knee = np.array([gait.angles(phase)[JOINT_INDEX['left_knee'], 0] for phase in PHASES])
    assert 35 < knee.max() < 75
    assert 0.6 < knee.argmax() / len(knee) < 0.8  # share of the stride, Winter
    assert knee[: len(knee) // 2].max() < 30
    angles = np.array([gait.angles(phase) for phase in PHASES])
    assert (angles >= LIMITS[..., 0]).all()
    assert (angles <= LIMITS[..., 1]).all()


@pytest.mark.parametrize('gait', GAITS)
def test_hips_bob_twice_a_stride(gait):
    body = Body()
    heights = np.array([hip_height(body, solve(body, gait.angles(phase))) for phase in PHASES])
    assert 0.01 < np.ptp(heights) < 0.08  # meters
    np.testing.assert_allclose(heights[:24], heights[24:], atol=1e-9)


@pytest.mark.parametrize('gait', GAITS)
def test_the_foot_on_the_ground_does_not_slide(gait):
    body = Body(stature=1.8, legs=1.05)
    ankle = stride(gait, 'left_ankle', body)
    along = ankle[:, 2] + gait.stride(body) * PHASES / (2 * np.pi)
    alone = slice(8, 20)  # the left foot is on the ground, the right one in the air
    assert np.ptp(along[alone]) < 0.05  # meters
    assert 0.5 < gait.speed(body) < 2.1  # meters a second


def times(count=31):
    return (np.arange(count) - (count - 1) / 2) / 10


@pytest.mark.parametrize(('yaw', 'towards'), [(90, (1, 0)), (-90, (-1, 0)), (0, (0, -1))])
def test_people_walk_where_they_face(yaw, towards):
    body, gait = Body(), Gait()
    path = walk(times(), body, gait, through=(0.5, 6.0), yaw=yaw).ground
    np.testing.assert_allclose(path[15], (0.5, 6.0), atol=1e-9)
    steps = np.diff(path, axis=0)
    np.testing.assert_allclose(steps, np.tile(towards, (30, 1)) * gait.speed(body) / 10, atol=1e-9)


def test_a_turn_brings_somebody_back_at_the_same_speed():
    body, gait = Body(), Gait()
    there = walk(times(), body, gait, through=(0, 6), yaw=90, turn=Turn(degrees=180, duration=1))
    assert there.yaw[0] == 90
    assert there.yaw[-1] == 270
    steps = np.diff(there.ground, axis=0)
    assert steps[0, 0] == pytest.approx(-steps[-1, 0])
    speeds = np.linalg.norm(steps, axis=1) * 10
    assert speeds.max() == pytest.approx(gait.speed(body), rel=1e-3)
    assert speeds.min() > 0.85 * gait.speed(body)  # a chord is shorter than its arc


def test_who_gestures_keeps_the_feet_where_they_are():
    rng = np.random.default_rng(0)
    motion = gesture(rng, times(), at=(0.3, 5.0), yaw=20)
    legs = motion.angles[:, [JOINT_INDEX['left_hip'], JOINT_INDEX['right_knee']]]
    assert np.ptp(legs, axis=0).max() == 0
    assert np.ptp(motion.ground, axis=0).max() == 0
    arms = motion.angles[:, [JOINT_INDEX['left_shoulder'], JOINT_INDEX['right_elbow']]]
    assert np.ptp(arms, axis=0).max() > 5  # degrees

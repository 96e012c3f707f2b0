"""Figures have human proportions, keep their bones, and are the same left and right."""

import numpy as np
import pytest

from hrnet_ext.synthetic.appearance import sample_appearance
from hrnet_ext.synthetic.figure import Figure, Placement
from hrnet_ext.synthetic.pose import UPRIGHT, VARIED, sample_angles, sample_body
from hrnet_ext.synthetic.scene import extent
from hrnet_ext.synthetic.skeleton import (
    JOINT_INDEX,
    JOINTS,
    LIMITS,
    POINTS,
    Body,
    angles_of,
    mirrored_angles,
    mirrored_name,
    named_points,
    rotation,
    solve,
)

MIRROR = np.diag([-1.0, 1.0, 1.0])


def bone_lengths(positions):
    return {
        joint.name: np.linalg.norm(
            positions[JOINT_INDEX[joint.name]] - positions[JOINT_INDEX[joint.parent]]
        )
        for joint in JOINTS
        if joint.parent
    }


@pytest.mark.parametrize('seed', range(5))
def test_bones_keep_their_length_in_any_posture(seed):
    rng = np.random.default_rng(seed)
    body = sample_body(rng, spread=0.08)
    at_rest = bone_lengths(solve(body, angles_of({})).positions)
    facing = rotation('y', rng.uniform(0, 360)) @ rotation('x', rng.uniform(-30, 30))
    posed = solve(body, sample_angles(rng, VARIED), facing=facing)
    assert bone_lengths(posed.positions) == pytest.approx(at_rest)


@pytest.mark.parametrize('seed', range(5))
def test_bones_of_both_sides_are_equally_long(seed):
    rng = np.random.default_rng(seed)
    posture = solve(sample_body(rng, spread=0.08), sample_angles(rng, VARIED))
    lengths = bone_lengths(posture.positions)
    assert lengths == pytest.approx({name: lengths[mirrored_name(name)] for name in lengths})


@pytest.mark.parametrize('seed', range(5))
def test_a_mirrored_posture_exchanges_left_and_right(seed):
    rng = np.random.default_rng(seed)
    body, angles = sample_body(rng, spread=0.08), sample_angles(rng, VARIED)
    facing = rotation('y', rng.uniform(0, 360))
    points = named_points(body, solve(body, angles, facing=facing))
    mirrored_posture = solve(body, mirrored_angles(angles), facing=MIRROR @ facing @ MIRROR)
    mirrored = named_points(body, mirrored_posture)
    for name, point in points.items():
        np.testing.assert_allclose(mirrored[mirrored_name(name)], MIRROR @ point, atol=1e-12)


def test_tables_are_symmetric():
    assert {mirrored_name(name) for name in POINTS} == set(POINTS)
    assert {mirrored_name(joint.name) for joint in JOINTS} == {joint.name for joint in JOINTS}
    for joint in JOINTS:
        other = JOINTS[JOINT_INDEX[mirrored_name(joint.name)]]
        np.testing.assert_allclose(other.offset, MIRROR @ joint.offset)
        assert (other.flexion, other.abduction, other.twist) == (
            joint.flexion,
            joint.abduction,
            joint.twist,
        )


@pytest.mark.parametrize('family', [UPRIGHT, VARIED])
def test_random_postures_stay_within_the_joints_limits(family):
    rng = np.random.default_rng(0)
    angles = np.array([sample_angles(rng, family) for _ in range(200)])
    assert (angles >= LIMITS[..., 0]).all()
    assert (angles <= LIMITS[..., 1]).all()
    moving = np.ptp(LIMITS, axis=-1) > 0
    assert (angles[:, ~moving] == 0).all()
    knee = JOINT_INDEX['left_knee']
    assert angles[:, knee, 0].std() > 5, 'knees should differ from posture to posture'


@pytest.mark.parametrize(
    ('named', 'keypoint', 'axis', 'sign'),
    [
        ({'left_shoulder': (90, 0, 0)}, 'left_elbow', 2, 1),  # an arm lifts forward,
        ({'left_shoulder': (0, 90, 0)}, 'left_elbow', 0, 1),  # and out to its own side,
        ({'right_shoulder': (0, 90, 0)}, 'right_elbow', 0, -1),
        ({'left_elbow': (90, 0, 0)}, 'left_wrist', 2, 1),  # an elbow bends forward,
        ({'left_hip': (90, 0, 0)}, 'left_knee', 2, 1),  # so does a hip,
        ({'left_knee': (90, 0, 0)}, 'left_ankle', 2, -1),  # a knee backward,
        ({'chest': (40, 0, 0)}, 'head_top', 2, 1),  # and a bow is forward.
    ],
)
def test_joints_turn_the_human_way(named, keypoint, axis, sign):
    body = Body()
    moved = named_points(body, solve(body, angles_of(named)))[keypoint]
    rest = named_points(body, solve(body, angles_of({})))[keypoint]
    assert sign * (moved - rest)[axis] > 0.15  # meters


@pytest.mark.parametrize(
    ('named', 'message'),
    [
        ({'left_thumb': (0, 0, 0)}, "unknown joint 'left_thumb'"),
        ({'left_knee': (-20, 0, 0)}, 'left_knee: flexion of -20 degrees'),
        ({'right_elbow': (20, 5, 0)}, 'right_elbow: abduction of 5 degrees'),
    ],
)
def test_impossible_angles_are_refused(named, message):
    with pytest.raises(ValueError, match=message):
        angles_of(named)


def test_a_body_without_extent_is_refused():
    with pytest.raises(ValueError, match="'arms': 0"):
        Body(arms=0)


def standing(facing=None):
    looks = sample_appearance(np.random.default_rng(0), plain=True)
    return Figure(Body(), angles_of({}), np.eye(3) if facing is None else facing, looks)


def test_who_faces_the_viewer_has_the_left_side_on_the_images_right():
    placement = Placement(scale=100, x=50, y=120)
    front = standing().keypoints(placement)
    back = standing(rotation('y', 180)).keypoints(placement)
    for name in POINTS:
        if name.startswith('left_'):
            assert front[name][0] > front[mirrored_name(name)][0]
            assert back[name][0] < back[mirrored_name(name)][0]
    assert front['nose'][2] > front['left_ear'][2], 'z points towards the viewer'
    assert back['nose'][2] < back['left_ear'][2]


def test_a_standing_figure_is_as_tall_as_its_stature():
    x0, y0, x1, y1 = extent(standing(), Placement(scale=100, x=0, y=0))
    assert y1 - y0 == pytest.approx(170, rel=0.02)
    assert 0.2 < (x1 - x0) / (y1 - y0) < 0.4
    keypoints = standing().keypoints(Placement(scale=100, x=0, y=0))
    heights = [keypoints[f'left_{name}'][1] for name in ('eye', 'shoulder', 'hip', 'knee', 'ankle')]
    assert heights == sorted(heights), 'y points down'
    # Winter's table: the hip lies at .53 of the stature, the knee at .285.
    assert (y1 - keypoints['left_hip'][1]) / 170 == pytest.approx(0.53, abs=0.02)
    assert (y1 - keypoints['left_knee'][1]) / 170 == pytest.approx(0.285, abs=0.02)

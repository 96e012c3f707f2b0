"""Solids are drawn where geometry says, and visibility is what the depth buffer says."""

import numpy as np
import pytest

from hrnet_ext.synthetic.appearance import sample_appearance
from hrnet_ext.synthetic.canvas import Canvas, Light, Material
from hrnet_ext.synthetic.figure import Figure, Placement
from hrnet_ext.synthetic.render import HIDDEN, OUTSIDE, SEEN, render
from hrnet_ext.synthetic.scene import DIFFICULTIES, PlacedFigure, Scene, extent, sample_scene
from hrnet_ext.synthetic.shapes import Ellipsoid, RoundCone
from hrnet_ext.synthetic.skeleton import POINTS, Body, angles_of, rotation

LIGHT = Light(np.array([0.0, 0.0, 1.0]))
SIZE = 200
PLACEMENT = Placement(scale=100, x=100, y=100)


def standing(yaw=0.0, named=None):
    looks = sample_appearance(np.random.default_rng(0), plain=True)
    return Figure(Body(), angles_of(named or {}), rotation('y', yaw), looks)


def show(*placed_figures, occluders=()):
    background = np.full((SIZE, SIZE, 3), 128, dtype=np.uint8)
    return render(Scene(background, LIGHT, tuple(placed_figures), occluders=tuple(occluders)))


def grid():
    return np.arange(0, 40, dtype=np.float32), np.arange(0, 30, dtype=np.float32)


@pytest.mark.parametrize(
    'end',
    [
        (30.0, 20.0, 4.0),  # across
        (30.0, 20.0, -35.0),  # away from the viewer
        (12.0, 11.0, 25.0),  # almost towards the viewer
        (12.0, 11.0, 4.0),  # one sphere mostly inside the other
        (10.0, 9.0, 20.0),  # exactly towards the viewer
        (10.0, 12.0, -20.0),  # the limit between the cases
    ],
)
def test_a_round_cone_is_the_hull_of_the_spheres_along_it(end):
    start, end = np.array([10.0, 9.0, 2.0]), np.array(end)
    cone = RoundCone(start, end, 6.0, 3.0)
    xs, ys = grid()
    depth, _ = cone.cast(xs, ys)
    swept = np.full(depth.shape, -np.inf)
    for t in np.linspace(0, 1, 4001):
        center, radius = start + t * (end - start), 6.0 - 3.0 * t
        height = radius**2 - (xs[None] - center[0]) ** 2 - (ys[:, None] - center[1]) ** 2
        sphere = np.where(height > 0, center[2] + np.sqrt(np.maximum(height, 0)), -np.inf)
        swept = np.maximum(swept, sphere)
    both = np.isfinite(depth) & np.isfinite(swept)
    assert np.isfinite(swept).sum() > 100
    assert (np.isfinite(depth) != np.isfinite(swept)).sum() <= 3  # pixels that are only grazed
    np.testing.assert_allclose(depth[both], swept[both], atol=0.05)


def test_an_ellipsoids_surface_satisfies_its_equation():
    axes = rotation('z', 30) @ rotation('x', 40) @ np.diag([12.0, 6.0, 4.0])
    ellipsoid = Ellipsoid(np.array([20.0, 14.0, 3.0]), axes)
    xs, ys = grid()
    depth, _ = ellipsoid.cast(xs, ys)
    rows, columns = np.nonzero(np.isfinite(depth))
    points = np.stack([columns, rows, depth[rows, columns]], axis=1)
    normals, local = ellipsoid.surface(points, None)
    np.testing.assert_allclose((local**2).sum(axis=1), 1, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    assert (normals[:, 2] > -1e-2).all(), 'the viewer sees the near side'
    x0, y0, x1, y1 = ellipsoid.bounds()
    assert x0 <= columns.min() < x0 + 1.5
    assert x1 - 1.5 < columns.max() <= x1
    assert y0 <= rows.min() < y0 + 1.5
    assert y1 - 1.5 < rows.max() <= y1


def test_the_nearest_solid_wins_in_any_order():
    near = RoundCone(np.array([10.0, 10, 50]), np.array([30.0, 10, 50]), 4, 4)
    far = RoundCone(np.array([20.0, 0, 0]), np.array([20.0, 25, 0]), 4, 4)
    owners = []
    for order in (((near, 1), (far, 2)), ((far, 2), (near, 1))):
        canvas = Canvas(np.zeros((30, 40, 3)))
        for solid, owner in order:
            canvas.draw(solid, Material((200, 100, 50)), LIGHT, owner=owner)
        owners.append(canvas.owner)
    np.testing.assert_array_equal(*owners)
    assert owners[0][10, 20] == 1
    assert owners[0][20, 20] == 2
    assert owners[0][29, 0] == 0


def test_a_solid_outside_the_frame_leaves_the_picture_alone():
    canvas = Canvas(np.full((30, 40, 3), 7.0))
    outside = RoundCone(np.array([-50.0, 10, 0]), np.array([-20.0, 10, 0]), 5, 5)
    canvas.draw(outside, Material((200, 100, 50)), LIGHT, owner=1)
    assert (canvas.to_image() == 7).all()


def test_everything_of_somebody_standing_in_front_of_us_is_seen():
    (person,) = show(PlacedFigure(standing(), PLACEMENT)).people
    assert set(person.visibility.values()) == {SEEN}


def test_a_face_is_hidden_from_behind():
    (person,) = show(PlacedFigure(standing(180), PLACEMENT)).people
    assert {person.visibility[name] for name in ('nose', 'left_eye', 'right_eye')} == {HIDDEN}
    assert {person.visibility[f'{side}_knee'] for side in ('left', 'right')} == {SEEN}


def test_the_far_side_is_hidden_in_profile():
    # At yaw 90 the subject looks to the image's right, its right side towards the viewer.
    (person,) = show(PlacedFigure(standing(90), PLACEMENT)).people
    assert person.keypoints['nose'][0] > person.keypoints['left_ear'][0]
    for name in ('ear', 'eye', 'shoulder', 'hip', 'wrist'):
        assert person.visibility[f'left_{name}'] == HIDDEN, name
    for name in ('ear', 'shoulder', 'elbow', 'wrist', 'hip'):
        assert person.visibility[f'right_{name}'] == SEEN, name


def test_a_hand_behind_the_back_is_hidden():
    behind = {'left_shoulder': (-40, 0, -60), 'left_elbow': (70, 0, 0)}
    (person,) = show(PlacedFigure(standing(0, behind), PLACEMENT)).people
    assert person.visibility['left_wrist'] == HIDDEN
    assert person.visibility['right_wrist'] == SEEN


@pytest.mark.parametrize(('depth', 'expected'), [(150, HIDDEN), (-150, SEEN)])
def test_a_knee_is_hidden_by_somebody_in_front_but_not_behind(depth, expected):
    other = Placement(scale=100, x=100, y=90, depth=depth)
    first, second = show(
        PlacedFigure(standing(), PLACEMENT), PlacedFigure(standing(180), other)
    ).people
    assert first.visibility['left_knee'] == expected
    assert not (first.mask & second.mask).any()
    whole = show(PlacedFigure(standing(), PLACEMENT)).people[0].mask
    assert (first.mask.sum() < whole.sum()) == (expected == HIDDEN)


def test_a_thing_in_front_hides_what_is_behind_it():
    bar = np.zeros((SIZE, SIZE), dtype=bool)
    bar[:60] = True
    (person,) = show(
        PlacedFigure(standing(), PLACEMENT), occluders=[(bar, np.zeros((SIZE, SIZE, 3)))]
    ).people
    assert person.visibility['nose'] == HIDDEN
    assert person.visibility['left_knee'] == SEEN
    assert not person.mask[:60].any()


def test_what_the_frame_cuts_off_is_outside():
    (person,) = show(PlacedFigure(standing(), Placement(scale=100, x=100, y=170))).people
    for name in POINTS:
        expected = OUTSIDE if person.keypoints[name][1] >= SIZE - 0.5 else SEEN
        assert person.visibility[name] == expected, name
    assert person.visibility['left_ankle'] == OUTSIDE
    assert person.mask[-1].any()


@pytest.mark.parametrize('difficulty', ['easy', 'hard'])
def test_seen_keypoints_lie_on_the_person_and_labeled_ones_in_the_image(difficulty):
    seen = on_person = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rendering = render(sample_scene(rng, DIFFICULTIES[difficulty], size=(SIZE, SIZE)))
        for person in rendering.people:
            for name, visibility in person.visibility.items():
                x, y = np.round(person.keypoints[name]).astype(int)
                inside = 0 <= x < SIZE and 0 <= y < SIZE
                assert inside == (visibility != OUTSIDE)
                if visibility == SEEN:
                    seen += 1
                    on_person += person.mask[y, x]
    assert seen > 100
    assert on_person / seen > 0.98  # an ear may stick out beside the head


def test_easy_scenes_show_everybody_whole():
    for seed in range(20):
        scene = sample_scene(np.random.default_rng(seed), DIFFICULTIES['easy'], size=(SIZE, SIZE))
        assert len(scene.placed_figures) in (1, 2)
        for placed in scene.placed_figures:
            x0, y0, x1, y1 = extent(placed.figure, placed.placement)
            assert x0 >= 0
            assert y0 >= 0
            assert x1 <= SIZE
            assert y1 <= SIZE


def test_hard_scenes_have_crowds_truncation_and_occlusion():
    counts, states = set(), set()
    for seed in range(30):
        scene = sample_scene(np.random.default_rng(seed), DIFFICULTIES['hard'], size=(SIZE, SIZE))
        counts.add(len(scene.placed_figures))
        for person in render(scene).people:
            states |= set(person.visibility.values())
    assert counts == {1, 2, 3, 4}
    assert states == {OUTSIDE, HIDDEN, SEEN}

"""Videos: tracks are continuous, the camera moves, people hide one another and leave the frame."""

from dataclasses import replace

import numpy as np
import pytest

from hrnet_ext.synthetic.render import HIDDEN, OUTSIDE, SEEN
from hrnet_ext.synthetic.scene import DIFFICULTIES
from hrnet_ext.synthetic.skeleton import POINTS
from hrnet_ext.synthetic.video.casting import MIN_GAP
from hrnet_ext.synthetic.video.footage import FRAMES_PER_SECOND, sample_footage
from hrnet_ext.synthetic.video.plot import PLOTS

SIZE = (160, 120)
EASY = DIFFICULTIES['easy']


def footage(plot, seed=0, difficulty=EASY, size=SIZE, num_frames=30):
    return sample_footage((seed,), PLOTS[plot], difficulty, num_frames=num_frames, size=size)


@pytest.fixture(scope='module', params=PLOTS)
def video(request):
    return footage(request.param)


@pytest.fixture(scope='module')
def frames(video):
    return [video.shoot(index).rendering for index in range(0, 30, 3)]


def test_keypoints_move_smoothly_in_the_world(video):
    """On the stage, where the camera's motion is taken out, nobody jumps."""
    for number, member in enumerate(video.cast):
        tracks = []
        for index, view in enumerate(video.views):
            actor = video.actor(number, index)
            points = actor.figure.keypoints(actor.placement)
            tracks.append(view.to_stage(np.array([points[name][:2] for name in POINTS])))
        scale = video.stage.scale(member.performance.ground[:, 1].min())
        speeds = np.linalg.norm(np.diff(tracks, axis=0), axis=2) / scale * FRAMES_PER_SECOND
        assert speeds.max() < 7.5  # metres a second: of a swinging foot, four times the walk
        middle = speeds[:, list(POINTS).index('pelvis')]
        assert middle.max() < 2.5
        assert np.abs(np.diff(middle)).max() < 1.2  # a turn on the spot is the sharpest


def test_nobody_runs_into_another(video):
    assert len(video.cast) >= 3
    paths = [member.performance.ground for member in video.cast]
    for number, path in enumerate(paths):
        for other in paths[:number]:
            assert np.linalg.norm(path - other, axis=1).min() > MIN_GAP


def test_seen_keypoints_lie_on_the_person(frames):
    width, height = SIZE
    seen = on_person = 0
    for rendering in frames:
        for person in rendering.people:
            for name, visibility in person.visibility.items():
                x, y = np.round(person.keypoints[name]).astype(int)
                assert (0 <= x < width and 0 <= y < height) == (visibility != OUTSIDE)
                if visibility == SEEN:
                    seen += 1
                    # people are 35 pixels high: half a pixel decides at the rim of a head
                    on_person += person.mask[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any()
    assert seen > 100
    assert on_person / seen > 0.99


def test_feet_are_on_the_floor_and_nearer_people_larger(video):
    for index in range(0, 30, 3):
        actors = [video.actor(number, index) for number in range(len(video.cast))]
        scales = [
            actor.placement.scale for actor in sorted(actors, key=lambda a: a.placement.depth)
        ]
        assert scales == sorted(scales)
        for member, actor in zip(video.cast, actors):
            points = actor.figure.keypoints(actor.placement)
            ankles = np.array([points['left_ankle'][:2], points['right_ankle'][:2]])
            lower = video.views[index].to_stage(ankles)[:, 1].max()
            distance = member.performance.ground[index, 1]
            above = (video.stage.ground_y(distance) - lower) / video.stage.scale(distance)
            assert 0 < above < 0.25  # metres; an ankle is .07 above its sole, more on tiptoe
            assert lower > video.stage.wall_foot, 'the wall meets the floor above'


@pytest.mark.parametrize('plot', PLOTS)
def test_the_background_moves_with_the_camera(plot):
    """An empty stage's frames show the backdrop where the views say."""
    video = footage(plot, size=(64, 48))
    empty = replace(video, cast=(), grain=0.0, gains=np.ones(30))
    for index in (0, 15, 29):
        picture = empty.shoot(index).rendering.picture
        rows, columns = np.mgrid[4:44:4, 4:60:4]
        points = np.stack([columns, rows], axis=-1).reshape(-1, 2)
        stage = np.rint(video.views[index].to_stage(points)).astype(int)
        shown = picture[points[:, 1], points[:, 0]].astype(int)
        there = video.backdrop[stage[:, 1], stage[:, 0]].astype(int)
        assert np.abs(shown - there).mean() < 5  # between pixels, and grain


def test_cameras_pan_and_zoom_smoothly_and_stay_on_the_stage(video):
    width, height = SIZE
    corners = np.array([(0, 0), (width - 1, height - 1)])
    for view in video.views:
        assert view.zoom >= 1
        (left, top), (right, bottom) = view.to_stage(corners)
        assert left > -1
        assert top > -1
        assert right < video.stage.size[0]
        assert bottom < video.stage.size[1]
    path = np.array([(view.left, view.top) for view in video.views])
    assert np.ptp(path, axis=0).max() > 1
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() < 0.06 * width
    assert np.ptp([view.zoom for view in video.views]) > 0.005


def test_light_flickers_a_little(video):
    assert 0.002 < video.gains.std() < 0.05


def test_the_same_happens_at_any_resolution():
    small, large = footage('crossing', size=(80, 60)), footage('crossing', size=(320, 240))
    assert len(small.cast) == len(large.cast)
    for one, other in zip(small.cast, large.cast):
        np.testing.assert_allclose(one.performance.ground, other.performance.ground, atol=1e-9)
    np.testing.assert_allclose(
        [4 * view.left for view in small.views], [view.left for view in large.views], atol=2
    )


def test_people_who_cross_hide_one_another_by_depth():
    video = footage('crossing')
    hidden = 0
    for index in range(30):
        shot = video.shoot(index)
        people = dict(zip(shot.numbers, shot.rendering.people))
        if not {0, 1} <= set(people):  # the near one and a far one, as the plot has them
            continue
        near, far = people[0], people[1]
        assert not (near.mask & far.mask).any()
        x, y = np.round(far.keypoints['pelvis']).astype(int)
        covered = 0 <= x < SIZE[0] and 0 <= y < SIZE[1] and near.mask[y, x]
        hidden += covered and far.visibility['pelvis'] == HIDDEN
    assert hidden >= 1


def test_who_leaves_comes_back_as_the_same_member():
    video = footage('leaving')
    seen = []
    for index in range(0, 30, 2):
        shot = video.shoot(index)
        people = zip(shot.numbers, shot.rendering.people)
        seen.append({number for number, person in people if person.mask.any()})
    assert 0 in seen[0]
    assert 0 in seen[-1]
    assert sum(not members for members in seen) >= 2, 'empty frames'
    assert seen[-1] != seen[0], 'somebody else, too'


def test_long_videos_repeat_their_plot_with_others():
    short, long = footage('crossing', size=(64, 48)), footage('crossing', 0, EASY, (64, 48), 90)
    assert len(long.cast) > len(short.cast)
    assert len(long) == 90


@pytest.mark.parametrize('num_frames', [1, 2, 7])
def test_short_videos_are_possible(num_frames):
    assert footage('leaving', num_frames=num_frames, size=(64, 48)).shoot(0)

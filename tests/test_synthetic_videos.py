"""Videos: tracks are continuous, the camera moves, people hide one another and leave the frame."""

from dataclasses import replace

import numpy as np
import pytest

from hrnet_ext.synthetic.render import HIDDEN, OUTSIDE, SEEN
from hrnet_ext.synthetic.scene import DIFFICULTIES
from hrnet_ext.synthetic.skeleton import POINTS
from hrnet_ext.synthetic.video.people import MIN_GAP, SCENARIOS
from hrnet_ext.synthetic.video.video import FRAMES_PER_SECOND, sample_video

SIZE = (160, 120)
EASY = DIFFICULTIES['easy']


def make_video(scenario, seed=0, difficulty=EASY, size=SIZE, num_frames=30):
    return sample_video((seed,), SCENARIOS[scenario], difficulty, num_frames=num_frames, size=size)


@pytest.fixture(scope='module', params=SCENARIOS)
def video(request):
    return make_video(request.param)


@pytest.fixture(scope='module')
def frames(video):
    return [video.render_frame(index).rendering for index in range(0, 30, 3)]


def test_keypoints_move_smoothly_in_the_world(video):
    """On the room, where the camera's motion is taken out, nobody jumps."""
    for number, subject in enumerate(video.subjects):
        tracks = []
        for index, view in enumerate(video.views):
            placed = video.placed(number, index)
            points = placed.figure.keypoints(placed.placement)
            tracks.append(view.to_room(np.array([points[name][:2] for name in POINTS])))
        scale = video.room.scale(subject.motion.ground[:, 1].min())
        speeds = np.linalg.norm(np.diff(tracks, axis=0), axis=2) / scale * FRAMES_PER_SECOND
        assert speeds.max() < 7.5  # meters a second: of a swinging foot, four times the walk
        middle = speeds[:, list(POINTS).index('pelvis')]
        assert middle.max() < 2.5
        assert np.abs(np.diff(middle)).max() < 1.2  # a turn on the spot is the sharpest


def test_nobody_runs_into_another(video):
    assert len(video.subjects) >= 3
    paths = [subject.motion.ground for subject in video.subjects]
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
        placed_figures = [video.placed(number, index) for number in range(len(video.subjects))]
        scales = [
            placed.placement.scale
            for placed in sorted(placed_figures, key=lambda a: a.placement.depth)
        ]
        assert scales == sorted(scales)
        for subject, placed in zip(video.subjects, placed_figures):
            points = placed.figure.keypoints(placed.placement)
            ankles = np.array([points['left_ankle'][:2], points['right_ankle'][:2]])
            lower = video.views[index].to_room(ankles)[:, 1].max()
            distance = subject.motion.ground[index, 1]
            above = (video.room.ground_y(distance) - lower) / video.room.scale(distance)
            assert 0 < above < 0.25  # meters; an ankle is .07 above its sole, more on tiptoe
            assert lower > video.room.wall_foot, 'the wall meets the floor above'


@pytest.mark.parametrize('scenario', SCENARIOS)
def test_the_background_moves_with_the_camera(scenario):
    """An empty room's frames show the backdrop where the views say."""
    video = make_video(scenario, size=(64, 48))
    empty = replace(video, subjects=(), grain=0.0, gains=np.ones(30))
    for index in (0, 15, 29):
        image = empty.render_frame(index).rendering.image
        rows, columns = np.mgrid[4:44:4, 4:60:4]
        points = np.stack([columns, rows], axis=-1).reshape(-1, 2)
        room = np.rint(video.views[index].to_room(points)).astype(int)
        shown = image[points[:, 1], points[:, 0]].astype(int)
        there = video.backdrop[room[:, 1], room[:, 0]].astype(int)
        assert np.abs(shown - there).mean() < 5  # between pixels, and grain


def test_cameras_pan_and_zoom_smoothly_and_stay_on_the_stage(video):
    width, height = SIZE
    corners = np.array([(0, 0), (width - 1, height - 1)])
    for view in video.views:
        assert view.zoom >= 1
        (left, top), (right, bottom) = view.to_room(corners)
        assert left > -1
        assert top > -1
        assert right < video.room.size[0]
        assert bottom < video.room.size[1]
    path = np.array([(view.left, view.top) for view in video.views])
    assert np.ptp(path, axis=0).max() > 1
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() < 0.06 * width
    assert np.ptp([view.zoom for view in video.views]) > 0.005


def test_light_flickers_a_little(video):
    assert 0.002 < video.gains.std() < 0.05


def test_the_same_happens_at_any_resolution():
    small, large = make_video('crossing', size=(80, 60)), make_video('crossing', size=(320, 240))
    assert len(small.subjects) == len(large.subjects)
    for one, other in zip(small.subjects, large.subjects):
        np.testing.assert_allclose(one.motion.ground, other.motion.ground, atol=1e-9)
    np.testing.assert_allclose(
        [4 * view.left for view in small.views], [view.left for view in large.views], atol=2
    )


def test_people_who_cross_hide_one_another_by_depth():
    video = make_video('crossing')
    hidden = 0
    for index in range(30):
        content = video.render_frame(index)
        people = dict(zip(content.numbers, content.rendering.people))
        if not {0, 1} <= set(people):  # the near one and a far one, as the scenario has them
            continue
        near, far = people[0], people[1]
        assert not (near.mask & far.mask).any()
        x, y = np.round(far.keypoints['pelvis']).astype(int)
        covered = 0 <= x < SIZE[0] and 0 <= y < SIZE[1] and near.mask[y, x]
        hidden += covered and far.visibility['pelvis'] == HIDDEN
    assert hidden >= 1


def test_who_leaves_comes_back_as_the_same_member():
    video = make_video('leaving')
    seen = []
    for index in range(0, 30, 2):
        content = video.render_frame(index)
        people = zip(content.numbers, content.rendering.people)
        seen.append({number for number, person in people if person.mask.any()})
    assert 0 in seen[0]
    assert 0 in seen[-1]
    assert sum(not subjects for subjects in seen) >= 2, 'empty frames'
    assert seen[-1] != seen[0], 'somebody else, too'


def test_long_videos_repeat_their_plot_with_others():
    short = make_video('crossing', size=(64, 48))
    long = make_video('crossing', 0, EASY, (64, 48), 90)
    assert len(long.subjects) > len(short.subjects)
    assert len(long) == 90


@pytest.mark.parametrize('num_frames', [1, 2, 7])
def test_short_videos_are_possible(num_frames):
    assert make_video('leaving', num_frames=num_frames, size=(64, 48)).render_frame(0)

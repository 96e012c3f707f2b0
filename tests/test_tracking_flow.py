"""Flow at keypoints: known motions are found to a tenth of a pixel, whatever the frames are."""

import numpy as np
import pytest

from hrnet_ext.tracking import make_flow
from hrnet_ext.tracking.flow import DisFlow, LucasKanadeFlow, PreparedFrame, median_motion, moved_by
from tests.tracking_cases import shifted, texture

SIZE, MARGIN = (480, 320), 40
MOTIONS = [(0.0, 0.0), (0.3, -0.6), (1.5, 0.25), (-7.5, 4.25), (21.25, -13.5)]
WORLD = texture((SIZE[0] + 2 * MARGIN, SIZE[1] + 2 * MARGIN), seed=3)


def two_frames(motion):
    return shifted(WORLD, (0, 0), MARGIN), shifted(WORLD, motion, MARGIN)


def keypoints(seed=0, inset=45):
    """Four people of 17 keypoints each, away from the border."""
    return np.random.default_rng(seed).uniform(inset, np.array(SIZE) - inset, (4, 17, 2))


def advance(flow, previous, current, points, present=None):
    present = np.ones(points.shape[:2], bool) if present is None else present
    return flow.move(flow.prepare(previous), flow.prepare(current), points, present)


@pytest.mark.parametrize('motion', MOTIONS)
@pytest.mark.parametrize('kind', ['dis', 'lk'])
def test_a_shift_of_fractions_of_pixels_is_found_to_a_tenth(kind, motion):
    points = keypoints()
    moved = advance(make_flow(kind), *two_frames(motion), points)
    assert moved.dtype == np.float64
    errors = np.linalg.norm(moved - points - motion, axis=2)
    assert errors.mean() < 0.1
    assert errors.max() < 0.25


@pytest.mark.parametrize('motion', [(7.5, -4.25), (-21.0, 13.5)])
@pytest.mark.parametrize('max_side', [240, 333])
@pytest.mark.parametrize('kind', [DisFlow, LucasKanadeFlow])
def test_flow_on_reduced_frames_is_in_pixels_of_the_frame(kind, max_side, motion):
    flow = kind(max_side)
    points = keypoints()
    assert max(flow.prepare(two_frames(motion)[0]).pixels.shape) == max_side
    errors = np.linalg.norm(advance(flow, *two_frames(motion), points) - points - motion, axis=2)
    # A tenth of a pixel of the reduced frame, in pixels of the frame.
    assert errors.mean() < 0.1 * SIZE[0] / max_side


def test_none_moves_nothing_and_needs_no_frames():
    flow = make_flow('none')
    points = keypoints()
    np.testing.assert_array_equal(advance(flow, None, None, points), points)


def test_a_users_function_gets_bgr_frames_and_its_flow_is_read_between_the_pixels():
    seen = []

    def ramp(previous, current):
        """Motion (x / 10, 3)."""
        seen.append((previous.shape, current.shape))
        height, width = current.shape[:2]
        flow = np.full((height, width, 2), 3.0, np.float32)
        flow[..., 0] = np.arange(width) / 10
        return flow

    points = keypoints()
    frames = two_frames((1.0, 0.0))
    moved = advance(make_flow(ramp), frames[0], np.dstack([frames[1]] * 3), points)
    expected = points + np.stack([points[..., 0] / 10, np.full(points.shape[:2], 3.0)], axis=-1)
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    assert seen == [((SIZE[1], SIZE[0], 3),) * 2]


def test_a_flow_of_another_size_is_read_at_the_centers_of_its_pixels():
    # A picture of a quarter of the width and half the height; pixel (2, 1) alone moves, by (1, 1).
    flow = np.zeros((8, 16, 2))
    flow[1, 2] = 1
    picture = PreparedFrame(flow[..., 0], (64, 16))
    center = np.array([4 * 2.5 - 0.5, 2 * 1.5 - 0.5])
    places = center + np.array([[0, 0], [4, 0], [2, 0]])
    expected = [[4, 2], [0, 0], [2, 1]]  # there; at the next pixel; half-way
    np.testing.assert_allclose(moved_by(flow, places, picture) - places, expected)


@pytest.mark.parametrize('kind', ['dis', 'lk'])
def test_keypoints_outside_the_frame_move_with_what_is_inside(kind):
    motion = np.array([6.0, -3.0])
    points = keypoints()
    points[0, 0], points[0, 1] = (-200, 100), (SIZE[0] + 0.5, SIZE[1] + 900)
    moved = advance(make_flow(kind), *two_frames(motion), points)
    assert np.abs(moved - points - motion)[1:].max() < 0.25
    # DIS is less exact at the border, where content comes in.
    assert np.abs(moved - points - motion)[0, :2].max() < (0.25 if kind == 'lk' else 7)
    outside = advance(make_flow(kind), *two_frames(motion), points - 5000)
    assert np.isfinite(outside).all()


@pytest.mark.parametrize('kind', ['dis', 'lk', 'none'])
def test_nobody_is_moved_nowhere(kind):
    nobody = np.zeros((0, 17, 2))
    assert advance(make_flow(kind), *two_frames((1, 1)), nobody).shape == (0, 17, 2)


def test_lucas_kanade_moves_a_lost_keypoint_like_the_others_of_its_person():
    previous, current = two_frames((5.0, 2.0))
    current = current.copy()
    current[:, : SIZE[0] // 2] = 127  # whoever stood there has vanished
    points = keypoints()
    points[0, :, 0] = SIZE[0] * 0.75
    points[0, 3] = (100, 100)  # a lost keypoint of a person otherwise seen
    points[1, :, 0] = 80  # a person wholly lost
    present = np.ones(points.shape[:2], bool)
    present[0, 5:9] = False
    moved = advance(make_flow('lk'), previous, current, points, present)
    np.testing.assert_allclose(moved[0, 3] - points[0, 3], (5, 2), atol=0.1)
    np.testing.assert_array_equal(moved[1], points[1])


def test_median_motion_leaves_out_what_is_unknown():
    motion = np.array([[[1.0, 0], [3, 0], [np.nan, np.nan]], [[np.nan, np.nan]] * 3])
    np.testing.assert_array_equal(median_motion(motion), [[[2, 0]], [[0, 0]]])


@pytest.mark.parametrize('kind', ['dis', 'lk'])
def test_gray_frames_of_any_shape_and_bgr_frames_mix(kind):
    previous, current = two_frames((3.0, 1.0))
    points = keypoints()
    flow = make_flow(kind)
    expected = advance(flow, previous, current, points)
    for first, second in [
        (previous[..., None], current),
        (np.dstack([previous] * 3), current),
        (previous, np.dstack([current] * 3)),
    ]:
        np.testing.assert_array_equal(advance(flow, first, second, points), expected)


@pytest.mark.parametrize('size', [(1, 1), (9, 7), (16, 300), (17, 17)])
@pytest.mark.parametrize('kind', ['dis', 'lk'])
def test_tiny_frames_do_no_harm(kind, size):
    frame = texture((320, 320), seed=1)[: size[1], : size[0]].astype(np.uint8)
    moved = advance(make_flow(kind), frame, frame, keypoints())
    assert np.isfinite(moved).all()


@pytest.mark.parametrize('kind', ['dis', 'lk'])
def test_flow_is_the_same_each_time_and_leaves_its_arguments_alone(kind):
    frames, points = two_frames((3.0, 1.0)), keypoints()
    copies = [frames[0].copy(), frames[1].copy(), points.copy()]
    flow = make_flow(kind)
    first = advance(flow, *frames, points)
    advance(flow, frames[1], frames[0], points)
    np.testing.assert_array_equal(advance(flow, *frames, points), first)
    np.testing.assert_array_equal(advance(make_flow(kind), *frames, points), first)
    for array, copy in zip((*frames, points), copies):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize('kind', ['dis', 'lk', lambda a, b: np.zeros((*b.shape[:2], 2))])
def test_frames_of_two_sizes_are_refused_with_the_cure(kind):
    flow = make_flow(kind)
    small, large = (np.zeros((h, w, 3), np.uint8) for w, h in ((64, 48), (128, 96)))
    with pytest.raises(ValueError, match=r'128x96 follows one of 64x48; call reset\(\)'):
        advance(flow, small, large, keypoints())


@pytest.mark.parametrize(
    ('frame', 'message'),
    [
        (np.zeros((4, 4, 2), np.uint8), r'should be \(H, W, 3\) BGR, .* but is \(4, 4, 2\)'),
        (np.zeros((0, 4, 3), np.uint8), r'not empty, but is \(0, 4, 3\)'),
        (np.zeros(4, np.uint8), r'but is \(4,\)'),
        (
            np.zeros((4, 4, 3), np.float32),
            r'but is \(4, 4, 3\) float32; scale its values to 0 to 255',
        ),
        ('frame.jpg', 'a frame should be .* but is str'),
        (None, 'but is NoneType'),
    ],
)
@pytest.mark.parametrize('kind', ['dis', 'lk', lambda a, b: None])
def test_what_is_no_frame_is_refused(kind, frame, message):
    with pytest.raises(ValueError, match=message):
        make_flow(kind).prepare(frame)


def test_a_function_that_gives_no_dense_flow_is_refused():
    flow = make_flow(lambda previous, current: np.zeros((2, *current.shape[:2])))
    frame = np.zeros((48, 64), np.uint8)
    with pytest.raises(
        ValueError, match=r'should return \(48, 64, 2\), .* but returned \(2, 48, 64\)'
    ):
        advance(flow, frame, frame, keypoints())


def test_an_unknown_kind_is_refused_and_a_flow_is_taken_as_it_is():
    with pytest.raises(ValueError, match=r"one of \['dis', 'lk', 'none'\] or .* but is 'raft'"):
        make_flow('raft')
    flow = DisFlow()
    assert make_flow(flow) is flow

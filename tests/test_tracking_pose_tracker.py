"""PoseTracker, frame by frame, with figures that stand, jump, vanish and come back."""

import numpy as np
import pytest

from hrnet_ext.tracking import PoseEstimates, PoseTracker
from hrnet_ext.tracking.poses import PROPAGATED

NUM_KEYPOINTS = 5
SIGMAS = np.full(NUM_KEYPOINTS, 0.08)
SHAPE = np.array([[0.0, 0], [40, 0], [20, 50], [0, 100], [40, 100]])  # a person, pixels
FRAME = np.zeros((240, 320, 3), np.uint8)
OFFSET = {'left': (20.0, 50.0), 'middle': (130.0, 50.0), 'right': (250.0, 50.0)}


def person(*places, score=0.9):
    """Poses of people at named places or at (x, y)."""
    offsets = np.array([OFFSET.get(place, place) for place in places], float).reshape(-1, 1, 2)
    scores = np.full((len(places), NUM_KEYPOINTS), score)
    return PoseEstimates(offsets + SHAPE, scores)


def tracker(pose_fn=None, flow='none', **options):
    return PoseTracker(pose_fn, sigmas=SIGMAS, flow=flow, **options)


def ids(tracking, *frames):
    """Track ids of each frame, a tuple of places."""
    return [tracking.track(None, person(*places)).track_ids.tolist() for places in frames]


def constant_motion(x, y=0.0):
    """A flow function by which everything moves alike."""
    return lambda previous, current: np.full((*current.shape[:2], 2), (x, y))


def test_people_who_stand_still_keep_ids_that_count_from_0_in_whatever_order_they_come():
    frames = [('left', 'right'), ('right', 'left'), ('middle', 'left', 'right')]
    assert ids(tracker(), *frames) == [[0, 1], [1, 0], [2, 0, 1]]


def test_reset_forgets_everybody_and_counts_from_0():
    tracking = tracker()
    first = ids(tracking, ('left', 'right'), ('right',))
    tracking.reset()
    assert ids(tracking, ('left', 'right'), ('right',)) == first


@pytest.mark.parametrize(('away', 'expected'), [(1, 0), (2, 0), (3, 2), (4, 2)])
def test_who_is_away_for_fewer_frames_than_the_queue_holds_gets_the_id_back(away, expected):
    frames = [('left', 'right'), *[('right',)] * away, ('left', 'right')]
    assert ids(tracker(queue_length=3), *frames)[-1] == [expected, 1]


def test_empty_frames_count_for_the_queue_and_are_no_trouble():
    frames = [(), ('left',), (), (), ('left',), (), (), (), ('left',)]
    assert ids(tracker(queue_length=3), *frames) == [[], [0], [], [], [0], [], [], [], [1]]


def test_the_minimum_similarity_bounds_how_far_somebody_can_be_taken_for_the_same():
    for step, expected in ((4.0, [0]), (40.0, [1])):
        tracking = tracker(min_similarity=0.3)
        assert ids(tracking, ('left',), ((20 + step, 50),)) == [[0], expected]


@pytest.mark.parametrize('similarity', ['flow', 'pose', 'box'])
def test_only_the_flow_tells_who_is_who_when_people_jump_into_each_others_places(similarity):
    # Both move 110 pixels to the right: the left one is now where the other one was.
    tracking = tracker(flow=constant_motion(110), similarity=similarity)
    assert tracking.track(FRAME, person('left', 'middle')).track_ids.tolist() == [0, 1]
    found = tracking.track(FRAME, person('middle', (240, 50))).track_ids.tolist()
    assert found == ([0, 1] if similarity == 'flow' else [1, 2])


def test_past_frames_move_on_with_each_frame():
    tracking = tracker(flow=constant_motion(30))
    tracking.track(FRAME, person('left'))
    tracking.track(FRAME, person())
    tracking.track(FRAME, person())
    found = tracking.track(FRAME, person((20 + 90, 50), 'left'))
    assert found.track_ids.tolist() == [0, 1]


@pytest.mark.parametrize(('queue_length', 'expected'), [(1, 1), (2, 0)])
def test_an_older_pose_knows_somebody_again_when_the_last_one_was_bad(queue_length, expected):
    bad = person((20, 65))
    bad.keypoint_scores[0, 1:] = 0  # a single keypoint, 15 pixels too low
    tracking = tracker(queue_length=queue_length, min_similarity=0.2)
    found = [tracking.track(None, one) for one in (person('left'), bad, person((20, 35)))]
    assert [one.track_ids.tolist() for one in found] == [[0], [0], [expected]]


def test_greedy_matching_serves_the_most_similar_pair_first_and_in_order_the_first_listed():
    # The first listed is a bit nearer to the left one than to nobody; the second is the left one.
    for matching, expected in (('greedy', [1, 0]), ('in_order', [0, 1])):
        tracking = tracker(matching=matching, min_similarity=0.05)
        assert ids(tracking, ('left',), ((29, 50), 'left'))[-1] == expected


def test_absent_keypoints_neither_help_nor_hinder():
    moved = person('left')
    moved.keypoints[0, :2] += 500
    moved.keypoint_scores[0, :2] = 0.39
    tracking = tracker()
    tracking.track(None, person('left'))
    found = tracking.track(None, moved)
    assert found.track_ids.tolist() == [0]
    assert found.present.tolist() == [[False, False, True, True, True]]
    np.testing.assert_array_equal(found.keypoint_scores, moved.keypoint_scores)


def test_thresholds_keep_what_scores_as_much_and_drop_poses_without_a_keypoint():
    given = person('left', 'middle', 'right')
    given.keypoint_scores[1] = 0.39
    given.keypoint_scores[2] = [0.4, 0.39, 0.4, 0.4, 0.4]
    boxes = np.array([[0.0, 0, 100, 200]] * 3)
    given = PoseEstimates(given.keypoints, given.keypoint_scores, boxes, np.array([0.49, 0.9, 0.5]))
    found = tracker().track(None, given)
    assert found.sources.tolist() == [2]
    assert found.present.tolist() == [[True, False, True, True, True]]
    assert found.box_scores.tolist() == [0.5]
    np.testing.assert_array_equal(found.boxes, boxes[:1])


class Network:
    """Knows where people are; sees the one whose middle is in a box."""

    def __init__(self, *places):
        self.places, self.calls = places, []

    def __call__(self, frame, boxes):
        self.calls.append(boxes)
        people = person(*self.places)
        middles = people.keypoints[:, 2]
        inside = (middles >= boxes[:, None, :2]) & (middles <= boxes[:, None, 2:])
        which = inside.all(axis=2).argmax(axis=1)
        seen = inside.all(axis=2).any(axis=1)[:, None]
        return people.keypoints[which], people.keypoint_scores[which] * seen


def box(place, score=0.9):
    x, y = OFFSET.get(place, place)
    return [x - 5, y - 5, x + 45, y + 105, score]


def test_a_propagated_box_bridges_frames_in_which_the_detector_misses_somebody():
    network = Network('left', 'right')
    tracking = tracker(network, flow=constant_motion(0), propagation_decay=0.9)
    found = [
        tracking.update(FRAME, boxes)
        for boxes in ([box('left'), box('right')], [box('right')], [box('right')])
    ]
    assert [one.track_ids.tolist() for one in found] == [[0, 1], [1, 0], [1, 0]]
    assert [one.sources.tolist() for one in found] == [[0, 1], [0, PROPAGATED], [0, PROPAGATED]]
    np.testing.assert_allclose(found[2].box_scores, [0.9, 0.9 * 0.9**2])
    # The propagated box: the keypoints' extent and 15 %.
    np.testing.assert_allclose(found[1].boxes[1], [17, 42.5, 63, 157.5])


def test_propagation_ends_where_the_decayed_score_falls_below_the_threshold():
    tracking = tracker(Network('left'), flow=constant_motion(0), propagation_decay=0.8)
    tracking.update(FRAME, [box('left', 1.0)])
    # 0.8, 0.64, 0.512, then 0.41.
    assert [len(tracking.update(FRAME, [])) for _ in range(5)] == [1, 1, 1, 0, 0]


def test_without_propagation_only_the_detectors_boxes_are_used():
    tracking = tracker(Network('left'), flow=constant_motion(0), propagate_boxes=False)
    tracking.update(FRAME, [box('left')])
    assert len(tracking.update(FRAME, [])) == 0


def test_a_propagated_box_follows_the_flow_and_is_gone_outside_the_frame():
    network = Network('right')
    tracking = tracker(network, flow=constant_motion(100))
    tracking.update(FRAME, [box((150, 50))[:4]])
    network.places = ((350, 50),)
    tracking.update(FRAME, [])
    assert len(network.calls) == 1  # 347 to 393 of 320: nothing to look at


def test_detected_and_propagated_boxes_of_one_person_become_one():
    network = Network('left', 'right')
    tracking = tracker(network, flow=constant_motion(0))
    for _ in range(3):
        found = tracking.update(FRAME, [box('left'), box('right')])
        assert found.track_ids.tolist() == [0, 1]
        assert found.sources.tolist() == [0, 1]
    assert [len(boxes) for boxes in network.calls] == [2, 2, 2]


def test_of_two_boxes_with_the_same_pose_the_better_is_kept():
    boxes = [box('right'), box('left', 0.7), [*np.add(box('left')[:4], [-15, -50, 15, 50]), 0.8]]
    for threshold, expected in ((0.7, [0, 2]), (None, [0, 1, 2])):
        tracking = tracker(Network('left', 'right'), pose_nms_threshold=threshold)
        assert tracking.update(FRAME, boxes).sources.tolist() == expected


def test_poses_given_are_never_taken_for_duplicates():
    assert tracker().track(None, person('left', 'left')).track_ids.tolist() == [0, 1]


def test_the_network_is_called_once_a_frame_and_not_without_boxes():
    network = Network('left', 'right')
    tracking = tracker(network, flow=constant_motion(0), propagate_boxes=False)
    for boxes in ([box('left'), box('right')], [], np.zeros((0, 5)), [box('left', 0.1)]):
        tracking.update(FRAME, boxes)
    assert [boxes.shape for boxes in network.calls] == [(2, 4)]


def test_boxes_are_cut_at_the_frame_and_those_outside_or_without_area_left_out():
    network = Network((290, 50))
    tracking = tracker(network)
    boxes = [[280, 40, 400, 300], [400, 40, 500, 300], [20, 20, 20, 60], [-50, -50, -1, 9]]
    found = tracking.update(FRAME, boxes)
    assert found.sources.tolist() == [0]
    np.testing.assert_array_equal(network.calls, [[[280, 40, 319, 239]]])


def test_a_person_gone_for_good_is_not_kept_alive_by_the_network_seeing_nobody():
    network = Network('left', 'right')
    tracking = tracker(network, flow=constant_motion(0))
    tracking.update(FRAME, [box('left'), box('right')])
    network.places = ('right',)
    assert tracking.update(FRAME, [box('right')]).track_ids.tolist() == [1]


def test_the_same_input_gives_the_same_output_and_is_left_alone():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (4, 120, 160, 3), dtype=np.uint8)
    poses = [PoseEstimates(*random_people(rng, 3)) for _ in frames]
    copies = [(one.keypoints.copy(), one.keypoint_scores.copy()) for one in poses]
    tracking, again = tracker(flow='dis'), tracker(flow='dis')
    for frame, given in zip(frames, poses):
        first, second = tracking.track(frame, given), again.track(frame.copy(), given)
        for name, value in vars(first).items():
            np.testing.assert_array_equal(value, vars(second)[name])
    for given, (keypoints, scores) in zip(poses, copies):
        np.testing.assert_array_equal(given.keypoints, keypoints)
        np.testing.assert_array_equal(given.keypoint_scores, scores)


def random_people(rng, number):
    shape = (number, NUM_KEYPOINTS)
    return rng.uniform(0, 120, (*shape, 2)), rng.uniform(0, 1, shape)


def test_a_call_that_fails_leaves_the_tracker_as_it_was():
    network = Network('left', 'right')
    tracking = tracker(network, flow=constant_motion(0))
    tracking.update(FRAME, [box('left'), box('right')])
    tracking.pose_fn = lambda frame, boxes: 1 / 0
    for _ in range(9):
        with pytest.raises(ZeroDivisionError):
            tracking.update(FRAME, [box('left'), box('right')])
    tracking.pose_fn = network
    found = tracking.update(FRAME, [box('right'), box('left')])
    assert found.track_ids.tolist() == [1, 0]


@pytest.mark.parametrize('flow', ['dis', 'lk', constant_motion(3)])
@pytest.mark.parametrize('channels', [(), (3,)])
def test_what_is_done_to_frames_and_results_afterwards_changes_nothing(flow, channels):
    rng = np.random.default_rng(1)
    texture = rng.integers(0, 255, (60, 80), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    frames = [np.roll(texture, 3 * step, axis=1) for step in range(3)]
    frames = [frame.reshape(*frame.shape, *(1 for _ in channels)) for frame in frames]
    frames = [np.repeat(frame, 3, axis=2) if channels else frame for frame in frames]
    runs = []
    for spoil in (False, True):
        tracking = tracker(Network('left', 'right'), flow=flow)
        results = []
        for frame in frames:
            shown = frame.copy()
            found = tracking.update(shown, [box('left'), box('right')] if not results else [])
            results.append(found.copy())
            if spoil:
                shown[:] = 0
                found.keypoints[:] = -99
                found.box_scores[:] = 0
        runs.append(results)
    for plain, spoilt in zip(*runs):
        for name, value in vars(plain).items():
            np.testing.assert_array_equal(value, vars(spoilt)[name], name)


def with_nan(estimates):
    estimates.keypoints[1, 2, 0] = np.nan
    return estimates


@pytest.mark.parametrize(
    ('poses', 'message'),
    [
        (with_nan(person('left', 'right')), 'frame 1, pose 1: keypoints should be finite, but are'),
        (person('left', score=np.inf), 'frame 1, pose 0: keypoint_scores should be finite'),
        (
            PoseEstimates(np.zeros((2, 17, 2)), np.zeros((2, 17))),
            r'keypoints should be \(N, 5, 2\) for 5 sigmas, but are \(2, 17, 2\)',
        ),
        (
            PoseEstimates(np.zeros((2, 5, 2)), np.zeros((1, 5))),
            r'keypoint_scores should be \(2, 5\), one per keypoint, but are \(1, 5\)',
        ),
        (
            PoseEstimates(np.zeros((2, 5, 2)), np.zeros((2, 5)), np.zeros((3, 4))),
            'there are 2 poses, but 3 boxes',
        ),
        (
            PoseEstimates(np.zeros((1, 5, 2)), np.zeros((1, 5)), None, np.array([np.nan])),
            'frame 1, pose 0: box_scores should be finite, but are nan',
        ),
    ],
)
def test_poses_that_are_not_sound_are_refused(poses, message):
    tracking = tracker()
    tracking.track(None, person('left'))
    with pytest.raises(ValueError, match=message):
        tracking.track(None, poses)


@pytest.mark.parametrize(
    ('boxes', 'message'),
    [
        ([[0, 0, 9, np.nan]], 'frame 0: box 0: coordinates and score should be finite'),
        ([[0, 0, 9, 9], [50, 60, 20, 30]], r'box 1 ends before it begins: .*; give \(x1, y1, x2'),
        ([[0, 0, 9]], r'should be \(N, 4\), x1 y1 x2 y2, or \(N, 5\) .* but are \(1, 3\)'),
        ([0, 0, 9], r'but are \(3,\)'),
    ],
)
def test_boxes_that_are_not_sound_are_refused(boxes, message):
    with pytest.raises(ValueError, match=message):
        tracker(Network('left')).update(FRAME, boxes)


@pytest.mark.parametrize(
    ('output', 'message'),
    [
        ((np.zeros((2, 5, 2)), np.zeros((2, 5))), 'pose_fn: got 1 boxes, but returned 2 poses'),
        ((np.zeros((1, 4, 2)), np.zeros((1, 4))), r'pose_fn: keypoints should be \(N, 5, 2\)'),
        ((np.full((1, 5, 2), np.nan), np.zeros((1, 5))), 'pose_fn, pose 0: keypoints should be'),
    ],
)
def test_a_network_that_gives_something_else_is_refused(output, message):
    with pytest.raises(ValueError, match=message):
        tracker(lambda frame, boxes: output).update(FRAME, [box('left')])


def test_update_without_a_network_says_what_to_do():
    with pytest.raises(ValueError, match=r'update\(\) needs a pose_fn; give one to PoseTracker'):
        tracker().update(FRAME, [box('left')])


def test_a_new_video_of_another_size_without_reset_is_refused():
    tracking = tracker(flow='dis')
    tracking.track(FRAME, person('left'))
    with pytest.raises(ValueError, match='a frame of 160x120 follows one of 320x240; call reset'):
        tracking.track(FRAME[::2, ::2], person('left'))
    tracking.reset()
    assert tracking.track(FRAME[::2, ::2], person('left')).track_ids.tolist() == [0]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'similarity': 'oks'}, r"similarity should be one of .*'flow'.* but is 'oks'"),
        ({'matching': 'best'}, r"matching should be one of .*'greedy'.* but is 'best'"),
        ({'queue_length': 0}, 'queue_length should be at least 1, but is 0'),
        ({'box_threshold': 1.5}, 'box_threshold should be from 0 to 1, but is 1.5'),
        ({'min_similarity': -0.1}, 'min_similarity should be from 0 to 1, but is -0.1'),
        ({'pose_nms_threshold': float('nan')}, 'pose_nms_threshold should be from 0 to 1'),
        ({'propagation_decay': 2}, 'propagation_decay should be from 0 to 1, but is 2'),
    ],
)
def test_options_out_of_range_are_refused_when_the_tracker_is_made(options, message):
    with pytest.raises(ValueError, match=message):
        tracker(**options)


@pytest.mark.parametrize('sigmas', [[0.1, 0.0], [[0.1]], [np.nan], []])
def test_sigmas_that_are_none_are_refused(sigmas):
    with pytest.raises(ValueError, match='sigmas should be K positive numbers'):
        PoseTracker(sigmas=sigmas)

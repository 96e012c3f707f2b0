"""Matching by a matrix of similarities: by hand, by brute force, and as MMPose does it."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from mmpose.apis.inference_tracking import _track_by_iou as mmpose_track_by_iou

from hrnet_ext.tracking.association import (
    MATCHINGS,
    UNMATCHED,
    match_by_hungarian,
    match_greedily,
    match_in_order,
)
from hrnet_ext.tracking.boxes import box_iou


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        # 0.9 is the best pair of all and leaves pose 1 the track 1, at 0.1.
        ('greedy', [0, 1]),
        # 0.8 + 0.7 is more than 0.9 + 0.1.
        ('hungarian', [1, 0]),
        # Pose 0 comes first and takes its best.
        ('in_order', [0, 1]),
    ],
)
def test_greedy_and_hungarian_differ_where_the_best_pair_is_not_in_the_best_sum(name, expected):
    similarity = np.array([[0.9, 0.8], [0.7, 0.1]])
    np.testing.assert_array_equal(MATCHINGS[name](similarity, 0.0), expected)


@pytest.mark.parametrize(
    ('name', 'expected'), [('greedy', [UNMATCHED, 0]), ('in_order', [0, UNMATCHED])]
)
def test_greedy_gives_a_track_to_its_best_pose_and_in_order_to_the_first(name, expected):
    np.testing.assert_array_equal(MATCHINGS[name](np.array([[0.5, 0.9]]), 0.0), expected)


@pytest.mark.parametrize('match', MATCHINGS.values(), ids=MATCHINGS)
def test_a_pair_as_similar_as_the_minimum_is_not_matched(match):
    similarity = np.array([[0.3, 0.0], [0.0, np.nextafter(0.3, 1)]])
    np.testing.assert_array_equal(match(similarity, 0.3), [UNMATCHED, 1])


@pytest.mark.parametrize('match', MATCHINGS.values(), ids=MATCHINGS)
@pytest.mark.parametrize('shape', [(0, 0), (0, 3), (3, 0)])
def test_nothing_is_matched_with_nothing(match, shape):
    np.testing.assert_array_equal(match(np.zeros(shape), 0.1), [UNMATCHED] * shape[1])


@pytest.mark.parametrize('match', [match_greedily, match_in_order])
def test_of_equal_similarities_the_first_track_then_the_first_pose_is_taken(match):
    np.testing.assert_array_equal(match(np.full((3, 2), 0.5), 0.1), [0, 1])
    np.testing.assert_array_equal(match(np.full((2, 3), 0.5), 0.1), [0, 1, UNMATCHED])


@pytest.mark.parametrize('match', MATCHINGS.values(), ids=MATCHINGS)
def test_no_track_is_given_twice_no_pair_is_too_dissimilar_and_arguments_stay(match):
    rng = np.random.default_rng(0)
    for _ in range(200):
        similarity = rng.integers(0, 6, rng.integers(1, 7, 2)) / 5
        copy = similarity.copy()
        matched = match(similarity, 0.3)
        np.testing.assert_array_equal(similarity, copy)
        poses = np.flatnonzero(matched != UNMATCHED)
        assert len(set(matched[poses])) == len(poses)
        assert (similarity[matched[poses], poses] > 0.3).all()
        np.testing.assert_array_equal(match(similarity, 0.3), matched)


def test_greedy_takes_the_best_pair_that_is_left_time_and_again():
    rng = np.random.default_rng(1)
    for _ in range(100):
        similarity = rng.uniform(0, 1, rng.integers(1, 7, 2))
        left, expected = similarity.copy(), np.full(similarity.shape[1], UNMATCHED)
        while left.max() > 0.2:
            track, pose = np.unravel_index(left.argmax(), left.shape)
            expected[pose] = track
            left[track], left[:, pose] = 0, 0
        np.testing.assert_array_equal(match_greedily(similarity, 0.2), expected)


def test_hungarian_finds_the_best_sum_of_all_assignments():
    rng = np.random.default_rng(2)
    for _ in range(50):
        similarity = rng.uniform(0, 1, (4, rng.integers(1, 5)))
        gain = np.where(similarity > 0.5, similarity, 0)
        poses = np.arange(similarity.shape[1])
        best = max(
            gain[list(tracks), poses].sum()
            for tracks in itertools.permutations(range(4), len(poses))
        )
        matched = match_by_hungarian(similarity, 0.5)
        found = matched != UNMATCHED
        assert gain[matched[found], poses[found]].sum() == pytest.approx(best)


def test_in_order_gives_the_tracks_that_mmposes_demos_give():
    rng = np.random.default_rng(3)
    for _ in range(50):
        last, boxes = (boxes_of(rng, number) for number in rng.integers(0, 8, 2))
        left = [sample(box, track) for track, box in enumerate(last)]
        expected = []
        for box in boxes:
            track, left, _ = mmpose_track_by_iou(sample(box), left, 0.3)
            expected.append(track)
        np.testing.assert_array_equal(match_in_order(box_iou(last, boxes), 0.3), expected)


def boxes_of(rng: np.random.Generator, number: int) -> np.ndarray:
    """Boxes (number, 4) that overlap."""
    corner = rng.uniform(0, 30, (number, 2))
    return np.concatenate([corner, corner + rng.uniform(20, 40, (number, 2))], axis=1)


def sample(box: np.ndarray, track: int | None = None) -> SimpleNamespace:
    """What MMPose's function reads of a data sample."""
    return SimpleNamespace(pred_instances=SimpleNamespace(bboxes=box[None]), track_id=track)

"""PoseTrack's evaluation equals a slow one, on random sequences in which every quirk occurs."""

import math
import time
from collections import Counter

import numpy as np
import pytest

from hrnet_ext.evaluation.posetrack import KEYPOINTS, evaluate_posetrack
from hrnet_ext.evaluation.posetrack.selection import inside
from tests.posetrack_cases import JOINT_IDS_2017, RandomPeople, to_2017, twenty_videos
from tests.posetrack_reference import Reference, where

SEEDS = range(24)


def case(seed: int) -> tuple[dict, dict]:
    """Sequences whose ground truth and predictions are now in the one layout, now in the other."""
    gt, pred = RandomPeople(seed).sequences(3, 9)
    if seed % 4 >= 2:
        gt = {name: to_2017(each) for name, each in gt.items()}
    if seed % 4 == 2:
        pred = {name: to_2017(each) for name, each in pred.items()}
    return gt, pred


@pytest.mark.parametrize('strict', [True, False])
@pytest.mark.parametrize('seed', SEEDS)
def test_random_sequences_score_as_in_the_reference(seed, strict):
    gt, pred = case(seed)
    result = evaluate_posetrack(gt, pred, strict)
    expected = Reference(strict=strict).evaluate(gt, pred)
    for name, values in expected.items():
        if not strict and name == 'MOTP_poseval':
            continue
        ours = [result['per_keypoint'][name][joint] for joint in JOINT_IDS_2017]
        assert ours == pytest.approx(values, abs=1e-9, nan_ok=True), name
        known = [value for value in values if not math.isnan(value)]
        assert result[name] == pytest.approx(sum(known) / len(known), abs=1e-9)


def test_every_quirk_occurs_in_the_random_sequences():
    quirks: Counter[str] = Counter()
    for seed in SEEDS:
        reference = Reference(strict=True)
        reference.evaluate(*case(seed))
        quirks += reference.quirks
    expected = """
        last frame of a sequence left out of tracking
        unlabeled frame of nobody with predictions
        labeled frame of nobody with predictions
        frame with nobody annotated
        frame with nobody predicted
        ... that hides several people
        frame whose annotated people all went
        gt person without keypoints
        pred person without keypoints
        gt keypoint in a region
        pred keypoint in a region
        gt keypoint on an outline alone
        pred keypoint on an outline alone
        gt person gone with a region
        pred person gone with a region
        empty polygon
        prediction at (0, 0) that counts
        near keypoint of an unassigned person is wrong
        two people equally good for a prediction
        two predictions of one person
        track kept though another is nearer
        identity switch
        switch to a new track
        track taken over
        track taken over by a new person
        poseval's MOTP is another
        keypoint never annotated, predicted
        keypoint never annotated, not predicted
    """
    names = {line.strip() for line in expected.strip().splitlines()}
    assert names == {name for name, times in quirks.items() if times}


def test_the_ids_of_the_keypoints_are_posetrack17s():
    assert KEYPOINTS == JOINT_IDS_2017


def test_points_are_inside_polygons_as_exact_arithmetic_says():
    people, places = RandomPeople(0), Counter()
    for _ in range(150):
        polygon = people.polygon(people.number(3, 9))
        corner, end = polygon[0], polygon[1]
        points = [corner, ((corner[0] + end[0]) / 2, (corner[1] + end[1]) / 2)]
        points += [(people.number(0, 300), people.number(0, 240)) for _ in range(10)]
        points += [(people.number(0, 300), y) for _, y in polygon]  # level with a corner
        expected = [where(polygon, point) for point in points]
        places.update(expected)
        found = inside(_array(polygon), _array(points))
        assert found.tolist() == [place == 'in' for place in expected]
    assert min(places[place] for place in ('in', 'on', 'out')) > 100


def _array(points: list[tuple]) -> np.ndarray:
    return np.array(points, dtype=np.float64)


@pytest.mark.slow
def test_twenty_videos_are_evaluated_within_twenty_seconds():
    gt, pred = twenty_videos()
    start = time.process_time()
    result = evaluate_posetrack(gt, pred)
    seconds = time.process_time() - start
    print(f'{seconds:.2f} s, AP {result["AP"]:.2f}, MOTA {result["MOTA"]:.2f}')
    assert result['num_frames'] == 2000
    assert seconds < 20

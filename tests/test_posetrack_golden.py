"""PoseTrack's evaluation on sequences for which poseval 3128c5c (motmetrics 1.4.0) was run."""

import math

import pytest

from hrnet_ext.evaluation import evaluate_posetrack, format_posetrack
from tests.posetrack_cases import RandomPeople, sequence, standing, to_2017

NAME = '000001_mpii_test'


def two(**changes) -> list[dict]:
    """Two people side by side; 30 pixels are a head."""
    return [standing(0, at=100, **changes), standing(1, at=400, **changes)]


def truth(**changes) -> list[list[dict]]:
    return [two(**changes) for _ in range(5)]


def found(**changes) -> list[list[dict]]:
    return truth(score=0.9, **changes)


SWAPPED = [standing(1, at=100, score=0.9), standing(0, at=400, score=0.9)]
STRANGER = standing(9, at=900, score=0.95)
BYSTANDER, SEEN_BYSTANDER = standing(5, at=800), standing(5, at=800, score=0.9)
AROUND_BYSTANDER = [[(700, 0), (1000, 0), (1000, 2000), (700, 2000)]]

# Ground truth, predictions, what poseval gives ('MOTP' excepted: see Counts), ignore regions.
GOLDEN = {
    'perfect': (truth(), found(), {'AP': 100, 'MOTA': 100, 'MOTP': 100}),
    'swap from frame 2': (truth(), found()[:2] + [SWAPPED] * 3, {'AP': 100, 'MOTA': 75}),
    # The last frame is not looked at.
    'swap in the last frame': (truth(), [*found()[:4], SWAPPED], {'AP': 100, 'MOTA': 100}),
    '15 pixels off': (
        truth(),
        found(shift=15),
        {'AP': 100, 'MOTA': 100, 'MOTP_poseval': 0, 'MOTP': 50},
    ),
    '16 pixels off': (truth(), found(shift=16), {'AP': 0, 'MOTA': -100, 'Precision': 0}),
    # The frame without predictions counts as one object, missed, and one false positive.
    'nobody found in frame 1': (
        truth(),
        [two(score=0.9), [], *found()[2:]],
        {'AP': 80, 'MOTA': 71.4286, 'Precision': 85.7143, 'Recall': 85.7143},
    ),
    'one missing in frame 1': (
        truth(),
        [two(score=0.9), two(score=0.9)[:1], *found()[2:]],
        {'AP': 90, 'MOTA': 87.5, 'Recall': 87.5, 'Precision': 100},
    ),
    'one too many in frame 1': (
        truth(),
        [two(score=0.9), [*two(score=0.9), STRANGER], *found()[2:]],
        {'AP': 90.9091, 'MOTA': 87.5, 'Precision': 88.8889, 'Recall': 100},
    ),
    # Nobody is annotated, so the frame does not count.
    'nobody annotated in frame 1': (
        [two(), [], *truth()[2:]],
        found(),
        {'AP': 100, 'MOTA': 100},
    ),
    # MOTP is 1 - 14 / 30; poseval sums every distance twice.
    '14 pixels off': (truth(), found(shift=14), {'MOTP_poseval': 6.67, 'MOTP': 53.33}),
    # Neither annotated nor predicted is AP 0, but no MOTA.
    'no ankles': (
        truth(without='ankle'),
        found(without='ankle'),
        {'AP': 86.67, 'MOTA': 100},
    ),
    'swap beside an ignored person': (
        [[*people, BYSTANDER] for people in truth()],
        [[*people, SEEN_BYSTANDER] for people in found()[:2] + [SWAPPED] * 3],
        {'AP': 100, 'MOTA': 75},
        dict.fromkeys(range(5), AROUND_BYSTANDER),
    ),
}

# Totals of poseval on random sequences: AP, MOTA, MOTP, Precision, Recall.
RECORDED = {
    ('2018', 0): (49.102021, -6.409963, 69.045191, 52.127489, 71.662866),
    ('2018', 1): (43.363768, 7.228217, 51.425179, 58.501954, 65.031345),
    ('2018', 2): (60.313273, 38.812253, 54.201669, 71.355412, 76.122268),
    ('2018', 3): (41.093104, -105.150734, 61.726738, 50.534936, 59.992184),
    ('2018', 5): (47.455271, 32.971474, 66.292789, 72.947688, 64.343405),
    ('2018', 7): (46.149078, 21.293985, 58.841873, 60.721791, 69.864010),
    ('2018', 11): (52.742479, 16.525818, 65.192386, 63.947162, 74.681371),
    ('2018', 13): (46.638603, 22.264179, 69.107951, 65.939250, 61.371367),
    ('2017', 4): (47.670347, 13.863850, 63.300003, 56.115986, 67.732173),
    ('2017', 8): (45.630665, -85.312169, 65.686748, 33.199023, 51.185185),
    ('2017', 9): (42.782785, 2.638641, 61.607701, 52.684426, 61.300751),
    ('2017', 10): (50.755899, 21.560440, 55.854472, 61.268342, 77.273393),
    ('2017', 12): (48.136012, 5.870370, 74.504026, 54.185185, 53.814815),
    ('2017', 14): (48.034650, 8.309320, 70.293048, 54.238329, 61.798942),
    ('2017', 15): (36.204357, -18.986291, 62.689641, 46.717172, 56.368446),
}


@pytest.mark.parametrize('layout', ['2017', '2018'])
@pytest.mark.parametrize('case', GOLDEN)
def test_poseval_gives_the_same(case, layout):
    gt_frames, pred_frames, expected, *regions = GOLDEN[case]
    gt, pred = sequence(gt_frames, NAME, *regions), sequence(pred_frames, NAME)
    if layout == '2017':
        gt, pred = to_2017(gt), to_2017(pred)
    result = evaluate_posetrack({NAME: gt}, {NAME: pred})
    assert {name: result[name] for name in expected} == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(('layout', 'seed'), RECORDED)
def test_poseval_gave_the_same_on_random_sequences(layout, seed):
    gt, pred = RandomPeople(seed).sequences(3, 9)
    if layout == '2017':
        gt = {name: to_2017(each) for name, each in gt.items()}
        pred = {name: to_2017(each) for name, each in pred.items()}
    result = evaluate_posetrack(gt, pred)
    names = ('AP', 'MOTA', 'MOTP_poseval', 'Precision', 'Recall')
    assert tuple(result[name] for name in names) == pytest.approx(RECORDED[layout, seed], abs=1e-6)


@pytest.mark.parametrize('strict', [True, False])
def test_ground_truth_given_back_is_perfect(strict):
    gt = {NAME: sequence(truth(), NAME)}
    result = evaluate_posetrack(gt, gt, strict)
    for name in ('AP', 'MOTA', 'MOTP', 'Precision', 'Recall'):
        assert result[name] == 100
        assert set(result['per_keypoint'][name].values()) == {100}
    assert (result['num_sequences'], result['num_frames']) == (1, 5)


# What the definitions say where poseval says otherwise: strict_poseval=False.
BY_DEFINITION = {
    # 10 objects, 2 switches: the last frame counts.
    'swap in the last frame': {'AP': 100, 'MOTA': 80},
    # 10 objects, 2 misses, no false positive.
    'nobody found in frame 1': {'AP': 80, 'MOTA': 80, 'Precision': 100, 'Recall': 80},
    # What is neither annotated nor predicted is neither right nor wrong.
    'no ankles': {'AP': 100, 'MOTA': 100},
    'one too many in frame 1': {'MOTA': 90, 'Precision': 100 * 10 / 11},
    '14 pixels off': {'MOTP': 53.33},
}


@pytest.mark.parametrize('case', BY_DEFINITION)
def test_without_strictness_the_definitions_hold(case):
    gt_frames, pred_frames, *_ = GOLDEN[case]
    gt, pred = sequence(gt_frames, NAME), sequence(pred_frames, NAME)
    result = evaluate_posetrack({NAME: gt}, {NAME: pred}, strict_poseval=False)
    expected = BY_DEFINITION[case]
    assert {name: result[name] for name in expected} == pytest.approx(expected, abs=0.01)
    assert 'MOTP_poseval' not in result


def test_people_found_in_a_labeled_frame_of_nobody_are_wrong_by_definition():
    pred = sequence(found(), NAME)
    gt_frames = [two(), [], *truth()[2:]]
    for labeled, precision in (((), 100), ((1,), 80)):
        gt = sequence(gt_frames, NAME, labeled=labeled)
        assert evaluate_posetrack({NAME: gt}, {NAME: pred})['Precision'] == 100
        by_definition = evaluate_posetrack({NAME: gt}, {NAME: pred}, strict_poseval=False)
        assert by_definition['Precision'] == precision


def test_a_group_is_without_a_value_in_poseval_if_one_keypoint_is():
    gt = {NAME: sequence(truth(without='left_ankle'), NAME)}
    pred = {NAME: sequence(found(), NAME)}
    strict, by_definition = (evaluate_posetrack(gt, pred, strict) for strict in (True, False))
    assert math.isnan(strict['per_group']['AP']['Ankle'])
    assert by_definition['per_group']['AP']['Ankle'] == 100
    assert strict['AP'] == by_definition['AP'] == 100  # an unannotated keypoint's are left out


def test_a_sequence_of_one_frame_has_no_tracks_but_an_ap():
    gt, pred = sequence([two()], NAME), sequence([two(score=0.9)], NAME)
    result = evaluate_posetrack({NAME: gt}, {NAME: pred})
    assert result['AP'] == 100
    assert math.isnan(result['MOTA'])
    assert evaluate_posetrack({NAME: gt}, {NAME: pred}, False)['MOTA'] == 100


def test_without_track_ids_there_is_ap_alone():
    gt, pred = sequence(truth(), NAME), sequence(found(), NAME)
    for annotation in pred['annotations']:
        del annotation['track_id']
    result = evaluate_posetrack({NAME: gt}, {NAME: pred})
    assert result['AP'] == 100
    assert not {'MOTA', 'MOTP', 'Precision', 'Recall', 'MOTP_poseval', 'counts'} & set(result)
    assert list(result['per_group']) == ['AP']


def test_nobody_found_at_all_is_worth_nothing():
    gt, pred = sequence(truth(), NAME), sequence([[] for _ in range(5)], NAME)
    result = evaluate_posetrack({NAME: gt}, {NAME: pred}, strict_poseval=False)
    assert (result['AP'], result['MOTA'], result['Recall']) == (0, 0, 0)
    assert result['counts']['nose']['misses'] == 10


def test_of_equal_scores_the_last_listed_ranks_first():
    wrong = standing(9, at=900, score=0.9)
    gt = {NAME: sequence([two()], NAME)}
    values = []
    for people in ([*two(score=0.9), wrong], [wrong, *two(score=0.9)]):
        values.append(evaluate_posetrack(gt, {NAME: sequence([people], NAME)})['AP'])
    assert values == pytest.approx([100 * 2 / 3, 100])


def test_the_order_of_frames_in_the_predictions_does_not_matter():
    gt, pred = RandomPeople(5).sequences(2, 9)
    expected = evaluate_posetrack(gt, pred)
    for data in pred.values():
        data['images'].reverse()
    result = evaluate_posetrack(gt, dict(reversed(pred.items())))
    assert (result['AP'], result['MOTA']) == (expected['AP'], expected['MOTA'])


def test_scores_that_are_missing_rank_below_all_others():
    gt = {NAME: sequence([two()], NAME)}
    people = [standing(9, at=900), *two(score=0.1)]
    assert evaluate_posetrack(gt, {NAME: sequence([people], NAME)})['AP'] == 100


def test_the_table_has_a_row_for_each_metric():
    gt, pred, _ = GOLDEN['14 pixels off']
    result = evaluate_posetrack({NAME: sequence(gt, NAME)}, {NAME: sequence(pred, NAME)})
    rows = [line.split() for line in format_posetrack(result).splitlines()]
    assert rows[0] == ['Head', 'Shoulder', 'Elbow', 'Wrist', 'Hip', 'Knee', 'Ankle', 'Total']
    assert rows[3] == ['MOTP', *['53.33'] * 8]
    assert [row[0] for row in rows[1:]] == [
        'AP', 'MOTA', 'MOTP', 'MOTP_poseval', 'Precision', 'Recall'
    ]  # fmt: skip

"""PCKh: MPII's official definition, written out here in loops, and its edges."""

import numpy as np
import pytest

from hrnet_ext.evaluation.pckh import MPII_KEYPOINTS, pckh
from hrnet_ext.formats.mpii import head_sizes

# Rows of the official table by the joints' numbers (dataset_joints of gt_valid.mat).
OFFICIAL_ROWS = {
    'Head': (9,),
    'Shoulder': (13, 12),
    'Elbow': (14, 11),
    'Wrist': (15, 10),
    'Hip': (3, 2),
    'Knee': (4, 1),
    'Ankle': (5, 0),
}


def official(pred, gt, visible, boxes, threshold) -> dict[str, float]:
    """The official evaluation's definition, keypoint by keypoint."""
    percentages, counts = [], []
    for joint in range(16):
        right = count = 0
        for person in range(len(gt)):
            x1, y1, x2, y2 = boxes[person]
            head = 0.6 * ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
            dx, dy = pred[person, joint] - gt[person, joint]
            count += visible[person, joint]
            right += visible[person, joint] and (dx**2 + dy**2) ** 0.5 / head <= threshold
        percentages.append(100 * right / count)
        counts.append(count)
    rows = {name: np.mean([percentages[j] for j in row]) for name, row in OFFICIAL_ROWS.items()}
    counted = [joint for joint in range(16) if joint not in (6, 7)]
    total = sum(counts[joint] for joint in counted)
    rows['Mean'] = sum(percentages[joint] * counts[joint] / total for joint in counted)
    return rows


def people(seed: int, num: int = 60) -> tuple:
    """Predictions, ground truth, visibility and head boxes of generated people."""
    rng = np.random.default_rng(seed)
    gt = rng.uniform(0, 400, (num, 16, 2))
    pred = gt + rng.normal(0, rng.uniform(1, 25, (num, 16, 1)), (num, 16, 2))
    corner = rng.uniform(0, 300, (num, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(15, 60, (num, 2))], axis=1)
    return pred, gt, (rng.uniform(size=(num, 16)) < 0.8).astype(float), boxes


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('threshold', [0.5, 0.1, 0.11])
def test_generated_people_score_as_officially(seed, threshold):
    pred, gt, visible, boxes = people(seed)
    ours = pckh(pred, gt, visible, head_sizes(boxes), threshold)
    expected = official(pred, gt, visible, boxes, threshold)
    assert list(ours) == list(expected)
    assert ours == pytest.approx(expected, abs=1e-9)
    assert 1 < ours['Mean'] < 99


def test_the_threshold_itself_is_right():
    gt, boxes = np.zeros((1, 16, 2)), [[0, 0, 30, 40]]  # a head size of 30
    pred = gt + np.array([15.0, 0])
    ones = np.ones((1, 16))
    assert pckh(pred, gt, ones, head_sizes(boxes))['Mean'] == 100
    assert pckh(np.nextafter(pred, 99), gt, ones, head_sizes(boxes))['Mean'] == 0


@pytest.mark.parametrize(
    ('joint', 'row', 'mean'),
    [
        ('head_top', 'Head', 100 * 13 / 14),
        ('left_knee', 'Knee', 100 * 13 / 14),
        ('upper_neck', None, 100 * 13 / 14),  # in no row, but in the mean
        ('pelvis', None, 100),
        ('thorax', None, 100),
    ],
)
def test_each_keypoint_counts_where_it_should(joint, row, mean):
    gt = np.zeros((1, 16, 2))
    pred = gt.copy()
    pred[0, MPII_KEYPOINTS.index(joint)] = 1000
    values = pckh(pred, gt, np.ones((1, 16)), np.array([30.0]))
    assert values['Mean'] == pytest.approx(mean)
    rows = {name: value for name, value in values.items() if name != 'Mean' and value < 100}
    assert rows == ({} if row is None else {row: 0 if row == 'Head' else 50})


def test_the_mean_is_weighted_by_how_often_keypoints_are_annotated():
    gt, visible = np.zeros((4, 16, 2)), np.zeros((4, 16))
    wrist, elbow = MPII_KEYPOINTS.index('left_wrist'), MPII_KEYPOINTS.index('left_elbow')
    visible[:3, wrist] = visible[0, elbow] = 1
    pred = gt.copy()
    pred[:, elbow] = 1000
    values = pckh(pred, gt, visible, np.full(4, 30.0))
    assert (values['Wrist'], values['Elbow'], values['Mean']) == (100, 0, 75)
    assert np.isnan(values['Head'])  # never annotated


def test_what_is_not_annotated_may_lie_anywhere():
    pred, gt, visible, boxes = people(9)
    expected = pckh(pred, gt, visible, head_sizes(boxes))
    gt[visible == 0] = np.nan
    assert pckh(pred, gt, visible, head_sizes(boxes)) == expected


def test_nobody_has_no_percentage():
    nobody = (np.zeros((0, 16, 2)), np.zeros((0, 16, 2)), np.zeros((0, 16)), np.zeros(0))
    assert all(np.isnan(value) for value in pckh(*nobody).values())


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'head_sizes': np.array([30.0, 0.0])}, r'head_sizes\[1\] is 0.0.*0.6 x the diagonal'),
        ({'head_sizes': np.array([np.nan, 1.0])}, r'head_sizes\[0\] is nan'),
        ({'head_sizes': np.array([[30.0], [30.0]])}, r'head_sizes should be \(2,\).*\(2, 1\)'),
        ({'pred': np.zeros((2, 17, 2))}, r'pred should be \(2, 16, 2\).*is \(2, 17, 2\)'),
        ({'visible': np.ones((2, 16, 1))}, r'visible should be \(2, 16\)'),
        ({'pred': np.full((2, 16, 2), np.nan)}, r'pred\[0, 0\] \(right_ankle\) is \[nan, nan\]'),
    ],
)
def test_unsound_people_are_refused(change, message):
    arguments = {
        'pred': np.zeros((2, 16, 2)),
        'gt': np.zeros((2, 16, 2)),
        'visible': np.ones((2, 16)),
        'head_sizes': np.full(2, 30.0),
    }
    with pytest.raises(ValueError, match=message):
        pckh(**{**arguments, **change})

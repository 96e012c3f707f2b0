"""PoseTrack's evaluation refuses unsound files, saying where the fault is and how to mend it."""

import copy

import pytest

from hrnet_ext.evaluation import evaluate_posetrack
from tests.posetrack_cases import sequence, standing, to_2017

NAME = '000001_mpii_test'
SQUARE = [(0, 0), (9, 0), (9, 9), (0, 9)]


def people(score: float | None = None) -> list[list[dict]]:
    return [[standing(0, at=100, score=score), standing(1, at=400, score=score)] for _ in range(4)]


@pytest.fixture
def gt() -> dict:
    return sequence(people(), NAME, {2: [SQUARE]})


@pytest.fixture
def pred() -> dict:
    return sequence(people(0.9), NAME)


def refused(gt: dict, pred: dict, message: str) -> None:
    """Both layouts' evaluation, with and without strictness, should fail with ``message``."""
    for strict in (True, False):
        with pytest.raises(ValueError, match=message):
            evaluate_posetrack({NAME: gt}, {NAME: pred}, strict)


def test_sound_files_are_evaluated(gt, pred):
    assert evaluate_posetrack({NAME: gt}, {NAME: pred})['MOTA'] == 100
    assert evaluate_posetrack({NAME: to_2017(gt)}, {NAME: to_2017(pred)})['MOTA'] == 100


def test_a_sequence_missing_from_the_predictions(gt, pred):
    with pytest.raises(
        ValueError, match=f"sequence '{NAME}' is missing.*they have .'other'., 1 in all"
    ):
        evaluate_posetrack({NAME: gt}, {'other': pred})


def test_a_sequence_too_many_in_the_predictions_is_let_be(gt, pred):
    assert evaluate_posetrack({NAME: gt}, {NAME: pred, 'other': {}})['AP'] == 100


@pytest.mark.parametrize('layout', ['2017', '2018'])
def test_a_frame_missing_from_the_predictions(gt, pred, layout):
    pred = sequence(people(0.9)[:3], NAME)
    pred = to_2017(pred) if layout == '2017' else pred
    refused(gt, pred, f"predictions: frame '.*{NAME}/000003.jpg' is missing .1 of 4 are.*list all")


def test_a_frame_that_the_ground_truth_does_not_know(gt):
    refused(gt, sequence([*people(0.9), []], NAME), "000004.jpg' is not in the ground truth")


def test_a_frame_listed_twice(gt, pred):
    pred['images'][1]['file_name'] = pred['images'][0]['file_name']
    refused(gt, pred, "predictions: frame '.*000000.jpg' is listed twice")


def test_an_image_id_listed_twice(gt, pred):
    pred['images'][1]['id'] = pred['images'][0]['id']
    refused(gt, pred, f'lists the id {pred["images"][0]["id"]} 2 times')


def test_two_videos_in_one_file(gt, pred):
    pred['images'][1]['file_name'] = 'images/val/000002_mpii_test/000001.jpg'
    refused(gt, pred, "frames of 2 folders .'images/val/000001_mpii_test', 'images/val/000002")


@pytest.mark.parametrize('side', ['ground truth', 'predictions'])
@pytest.mark.parametrize('layout', ['2017', '2018'])
def test_duplicate_track_ids_in_a_frame(gt, pred, side, layout):
    broken = gt if side == 'ground truth' else pred
    broken['annotations'][3]['track_id'] = 0
    pair = [to_2017(each) for each in (gt, pred)] if layout == '2017' else [gt, pred]
    refused(*pair, f"'{NAME}', {side}: frame '.*000001.jpg': 2 persons have track_id 0; the")


@pytest.mark.parametrize('value', [1.5, 'one', True, [1]])
def test_a_track_id_that_is_no_whole_number(gt, pred, value):
    pred['annotations'][0]['track_id'] = value
    refused(gt, pred, "000000.jpg', person 0: track_id should be a whole number, but is")


def test_a_person_without_a_track_id_among_others(gt, pred):
    broken = copy.deepcopy(pred)
    del broken['annotations'][3]['track_id']
    refused(gt, broken, "000001.jpg': person 1 has no track_id, but others of the frame do; give")
    for annotation in pred['annotations'][:2]:
        del annotation['track_id']
    refused(gt, pred, "predictions: frame '.*000001.jpg' is with track ids, unlike those before")


def test_tracks_without_annotated_ones(gt, pred):
    for annotation in gt['annotations']:
        del annotation['track_id']
    refused(gt, pred, 'the ground truth has none; give it track_id, or remove')


@pytest.mark.parametrize('layout', ['2017', '2018'])
def test_no_head_box(gt, pred, layout):
    del gt['annotations'][5]['bbox_head']
    gt = to_2017(gt) if layout == '2017' else gt
    refused(gt, pred, "ground truth: frame '.*000002.jpg', person 1 has no bbox_head .*head sizes")


def test_a_head_box_of_no_size_or_of_three_numbers(gt, pred):
    gt['annotations'][5]['bbox_head'] = [3, 4, 0, 0]
    refused(gt, pred, "000002.jpg', person 1: bbox_head has zero size")
    gt['annotations'][5]['bbox_head'] = [3, 4, 5]
    refused(gt, pred, r"000002.jpg', person 1: bbox_head should be \[x, y, w, h\]")


def test_someone_without_keypoints_needs_no_head_box(gt, pred):
    del gt['annotations'][0]['bbox_head']
    gt['annotations'][0]['keypoints'] = [0] * 51
    # Of the six predictions in three frames, that of this person is wrong.
    result = evaluate_posetrack({NAME: gt}, {NAME: pred})
    assert result['Precision'] == pytest.approx(100 * 5 / 6)


@pytest.mark.parametrize('layout', ['2017', '2018'])
@pytest.mark.parametrize(('num', 'found'), [(2, 'of 2 points'), (1, 'of 1 points')])
def test_a_polygon_of_too_few_points(pred, layout, num, found):
    gt = sequence(people(), NAME, {2: [SQUARE, SQUARE[:num]]})
    gt = to_2017(gt) if layout == '2017' else gt
    refused(gt, pred, f"000002.jpg': ignore region 1 is a polygon {found}, .*give three or more")


def test_ignore_regions_that_do_not_fit_together(gt, pred):
    image = gt['images'][2]
    image['ignore_regions_x'][0] = [1, 2, 3]
    refused(gt, pred, "000002.jpg': ignore region 0 has 3 x and 4 y")
    image['ignore_regions_x'] = []
    refused(gt, pred, '0 ignore_regions_x, but 1 ignore_regions_y')
    del image['ignore_regions_x']
    refused(gt, pred, 'only one of ignore_regions_x and ignore_regions_y')
    image['ignore_regions_x'] = [[0, 9, float('nan'), 0]]
    refused(gt, pred, 'ignore region 0 has corners that are not finite')


@pytest.mark.parametrize('side', ['ground truth', 'predictions'])
@pytest.mark.parametrize('layout', ['2017', '2018'])
@pytest.mark.parametrize('value', [float('nan'), float('inf'), None])
def test_coordinates_that_are_no_numbers(gt, pred, side, layout, value):
    broken = gt if side == 'ground truth' else pred
    broken['annotations'][2]['keypoints'][1] = value
    pair = [to_2017(each) for each in (gt, pred)] if layout == '2017' else [gt, pred]
    refused(*pair, f"{side}: frame '.*000001.jpg', person 0: position of 'nose' is .*, (nan|inf)")


def test_scores_that_are_no_numbers_or_too_few(gt, pred):
    pred['annotations'][2]['scores'][0] = float('nan')
    refused(gt, pred, "000001.jpg', person 0: score of 'nose' is .nan.")
    pred['annotations'][2]['scores'] = [0.5] * 15
    refused(gt, pred, "000001.jpg', person 0 has 15 scores for 17 keypoints")
    pred['annotations'][2]['scores'] = ['high'] * 17
    refused(gt, pred, "person 0: scores should be numbers, but are .'high'")


@pytest.mark.parametrize('side', ['ground truth', 'predictions'])
def test_fourteen_keypoints_instead_of_seventeen(gt, pred, side):
    broken = gt if side == 'ground truth' else pred
    broken['annotations'][2]['keypoints'] = broken['annotations'][2]['keypoints'][:42]
    refused(gt, pred, f"{side}: .*000001.jpg', person 0 has 42 keypoint values, which are 14.*51")


def test_categories_without_all_fifteen_names(gt, pred):
    names = pred['categories'][0]['keypoints']
    names[0] = 'NOSE'
    refused(gt, pred, "predictions: categories.0..keypoints lacks .'nose'. of the 15")
    pred['categories'] *= 2
    refused(gt, pred, 'predictions has 2 categories')
    del pred['categories']
    refused(gt, pred, "predictions has no 'categories'")


def test_fifteen_keypoints_without_ears_are_as_good(gt, pred):
    for annotation in pred['annotations']:
        del annotation['keypoints'][9:15], annotation['scores'][3:5]
    del pred['categories'][0]['keypoints'][3:5]
    assert evaluate_posetrack({NAME: gt}, {NAME: pred})['AP'] == 100


def test_a_person_of_an_unknown_frame(gt, pred):
    pred['annotations'][2]['image_id'] = 7
    refused(gt, pred, r'predictions: annotations\[2\] has image_id 7, which is not in images')


@pytest.mark.parametrize(
    ('points', 'message'),
    [
        ([{'id': [15], 'x': [1], 'y': [1]}], 'keypoint with id 15; the ids of PoseTrack17 are 0'),
        ([{'id': [3], 'x': [1], 'y': [1]}] * 2, 'keypoint with id 3 twice'),
        ([{'id': [3], 'x': [1]}], "keypoint 3 has no 'y'"),
        ([{'x': [1], 'y': [1]}], "a point has no 'id'"),
    ],
)
def test_points_that_are_not_posetrack17s(gt, pred, points, message):
    pred = to_2017(pred)
    pred['annolist'][1]['annorect'][0]['annopoints'] = [{'point': points}]
    refused(gt, pred, f"000001.jpg', person 0.*{message}")


def test_what_is_no_sequence_at_all(gt, pred):
    refused(gt, [pred], 'predictions should be the dict of a JSON file, but is list')
    refused(gt, {'frames': []}, "neither 'images' .PoseTrack18. nor 'annolist'.*'frames'")
    del pred['annotations']
    refused(gt, pred, "predictions has no 'annotations'")


def test_a_ground_truth_of_nobody(pred):
    gt = sequence([[] for _ in range(4)], NAME)
    refused(gt, pred, 'none of the 1 sequences of the ground truth has an annotated frame')


def test_the_files_are_left_as_they_were(gt, pred):
    before = copy.deepcopy((gt, pred))
    evaluate_posetrack({NAME: gt}, {NAME: pred})
    assert (gt, pred) == before

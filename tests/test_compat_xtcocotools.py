"""Our xtcocotools: COCO's numbers where pycocotools has them, and what it does beyond."""

import copy
import importlib.util
import json

import numpy as np
import pytest
from pycocotools.coco import COCO as PlainCOCO
from pycocotools.cocoeval import COCOeval as PlainCOCOeval

from hrnet_ext.compat.xtcocotools import mask
from hrnet_ext.compat.xtcocotools.coco import COCO
from hrnet_ext.compat.xtcocotools.cocoeval import COCOeval

NUM_IMAGES = 12


@pytest.fixture(scope='module')
def annotations():
    """People in a dozen images: 17 keypoints each, some unlabeled, ids from 1."""
    rng = np.random.default_rng(0)
    people = []
    for number in range(30):
        x, y, width, height = rng.uniform(10, 200, 4).round(2).tolist()
        keypoints = np.column_stack(
            [x + rng.random(17) * width, y + rng.random(17) * height, rng.integers(0, 3, 17)]
        )
        people.append(
            {
                'id': number + 1,
                'image_id': number % NUM_IMAGES,
                'category_id': 1,
                'keypoints': keypoints.reshape(-1).tolist(),
                'num_keypoints': int((keypoints[:, 2] > 0).sum()),
                'bbox': [x, y, width, height],
                'area': width * height * 0.6,
                'iscrowd': int(number == 7),
            }
        )
    images = [{'id': n, 'crowdIndex': n / NUM_IMAGES} for n in range(NUM_IMAGES)]
    return {'images': images, 'annotations': people, 'categories': [{'id': 1, 'name': 'person'}]}


@pytest.fixture(scope='module')
def results(annotations):
    """Noisy copies of the people with scores."""
    rng = np.random.default_rng(1)
    found = []
    for person in annotations['annotations'] * 2:
        keypoints = np.reshape(person['keypoints'], (17, 3)).copy()
        keypoints[:, :2] += rng.normal(0, 6, (17, 2))
        keypoints[:, 2] = rng.random(17)
        found.append(
            {
                'image_id': person['image_id'],
                'category_id': 1,
                'keypoints': keypoints.reshape(-1).tolist(),
                'score': float(rng.random()),
            }
        )
    return found


def evaluate(annotations, results, *args, **kwargs):
    coco = COCO(ann_data=annotations)
    evaluation = COCOeval(coco, coco.loadRes(copy.deepcopy(results)), *args, **kwargs)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


def plain_stats(annotations, results):
    coco = PlainCOCO()
    coco.dataset = copy.deepcopy(annotations)
    coco.createIndex()
    evaluation = PlainCOCOeval(coco, coco.loadRes(copy.deepcopy(results)), 'keypoints')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats


def test_numbers_are_pycocotools_where_both_mean_the_same(annotations, results):
    stats = evaluate(annotations, results, 'keypoints').stats
    assert 0.1 < stats[0] < 0.9  # the case is neither hopeless nor perfect
    assert stats.tolist() == plain_stats(annotations, results).tolist()


def test_arguments_of_users_stay_as_they_were(annotations, results):
    before = copy.deepcopy(annotations), copy.deepcopy(results)
    evaluate(annotations, results, 'keypoints_crowd')
    assert (annotations, results) == before


def test_a_detection_without_any_score_is_dropped(annotations, results):
    silent = copy.deepcopy(results)
    for result in silent:
        result['keypoints'][2::3] = [0.0] * 17
        result['score'] = 0.99
    with_silent = evaluate(annotations, results + silent, 'keypoints')
    assert with_silent.stats.tolist() == evaluate(annotations, results, 'keypoints').stats.tolist()
    assert plain_stats(annotations, results + silent)[0] != with_silent.stats[0]


def test_an_annotation_with_id_zero_counts(annotations, results):
    shifted = copy.deepcopy(annotations)
    for person in shifted['annotations']:
        person['id'] -= 1
    stats = evaluate(shifted, results, 'keypoints').stats
    assert stats.tolist() == evaluate(annotations, results, 'keypoints').stats.tolist()


def test_matches_are_ids_and_minus_one_is_none(annotations, results):
    evaluation = evaluate(annotations, results, 'keypoints')
    people = {person['id']: person['image_id'] for person in annotations['annotations']}
    for image in filter(None, evaluation.evalImgs):
        assert {people[number] for number in image['gtIds']} <= {image['image_id']}
        matched = image['dtMatches'][image['dtMatches'] >= 0].tolist()
        assert {people[number] for number in matched} <= {image['image_id']}
        assert (image['dtMatches'] >= -1).all()


def test_a_person_without_labeled_keypoints_is_ignored(annotations, results):
    unlabeled = copy.deepcopy(annotations)
    unlabeled['annotations'][0]['keypoints'][2::3] = [0] * 17  # num_keypoints still says otherwise
    without = copy.deepcopy(annotations)
    without['annotations'][0]['iscrowd'] = 1  # ignored, too
    assert (
        evaluate(unlabeled, results, 'keypoints').eval['recall'].tolist()
        == evaluate(without, results, 'keypoints').eval['recall'].tolist()
    )


def test_area_from_the_box(annotations, results):
    boxed = copy.deepcopy(annotations)
    for person in boxed['annotations']:
        person['area'] = person['bbox'][2] * person['bbox'][3] * 0.53
    wanted = evaluate(boxed, results, 'keypoints').stats.tolist()
    assert evaluate(annotations, results, 'keypoints', use_area=False).stats.tolist() == wanted
    assert wanted != evaluate(annotations, results, 'keypoints').stats.tolist()


def test_sigmas_widen_the_match(annotations, results):
    wide = evaluate(annotations, results, 'keypoints', np.full(17, 0.3)).stats
    assert wide[0] > evaluate(annotations, results, 'keypoints').stats[0]


def test_a_part_is_evaluated_like_a_pose_of_its_own(annotations, results):
    renamed, found = copy.deepcopy(annotations), copy.deepcopy(results)
    for item in renamed['annotations'] + found:
        item['lefthand_kpts'] = item['keypoints']
    for number, item in enumerate(found):
        item['lefthand_score'] = item['score']
        item['score'] = number / len(found)  # of the whole pose: does not rank hands
    sigmas = evaluate(annotations, results, 'keypoints').sigmas
    stats = evaluate(renamed, found, 'keypoints_lefthand', sigmas).stats
    assert stats.tolist() == evaluate(annotations, results, 'keypoints').stats.tolist()


def test_crowd_pose_reports_three_levels(annotations, results):
    stats = evaluate(annotations, results, 'keypoints_crowd').stats
    whole = evaluate(annotations, results, 'keypoints').stats
    assert stats.shape == (9,)
    assert stats[:3].tolist() == whole[:3].tolist()
    assert stats[3:6].tolist() == whole[5:8].tolist()
    for value, (low, high) in zip(stats[6:], [(0, 0.2), (0.2, 0.8), (0.8, 1)]):
        level = copy.deepcopy(annotations)
        chosen = {i['id'] for i in level['images'] if low <= i['crowdIndex'] < high}
        level['images'] = [image for image in level['images'] if image['id'] in chosen]
        level['annotations'] = [a for a in level['annotations'] if a['image_id'] in chosen]
        found = [result for result in results if result['image_id'] in chosen]
        assert value == pytest.approx(evaluate(level, found, 'keypoints').stats[0], abs=1e-4)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda person: person.pop('area'), "annotation 1 has no 'area'.*use_area=False"),
        (lambda person: person.pop('keypoints'), "needs 'keypoints', which annotation"),
        (lambda person: person.update(keypoints=[1, 2, 2]), '1 keypoints, but there are 17 sigmas'),
    ],
)
def test_unfit_annotations_are_named(annotations, results, change, message):
    broken = copy.deepcopy(annotations)
    change(broken['annotations'][0])
    with pytest.raises(ValueError, match=message):
        evaluate(broken, results, 'keypoints')


def test_crowding_must_be_annotated(annotations, results):
    broken = copy.deepcopy(annotations)
    del broken['images'][3]['crowdIndex']
    with pytest.raises(ValueError, match="'crowdIndex', which image 3 lacks"):
        evaluate(broken, results, 'keypoints_crowd')


def test_an_unknown_evaluation_is_refused(annotations):
    with pytest.raises(ValueError, match="'keypoint' is none of"):
        COCOeval(COCO(ann_data=annotations), None, 'keypoint')


def test_results_may_be_empty(annotations):
    evaluation = evaluate(annotations, [], 'keypoints')
    assert evaluation.stats[0] == 0


def test_a_file_is_read_and_keypoints_are_chosen(annotations, tmp_path):
    file = tmp_path / 'people.json'
    file.write_text(json.dumps(annotations))
    person = COCO(str(file), test_index=[0, 16]).anns[1]
    whole = annotations['annotations'][0]['keypoints']
    assert person['keypoints'] == whole[:3] + whole[-3:]
    assert COCO(file).getAnnIds(imgIds=[2]) == [3, 15, 27]


def test_masks_are_pycocotools_own():
    square = np.zeros((4, 5), np.uint8, order='F')
    square[1:3, 1:4] = 1
    encoded = mask.encode(square)
    assert mask.area(encoded) == 6
    assert np.array_equal(mask.decode(encoded), square)


@pytest.mark.skipif(importlib.util.find_spec('xtcocotools') is None, reason='needs the real one')
@pytest.mark.parametrize('kind', ['keypoints', 'keypoints_crowd'])
@pytest.mark.parametrize('use_area', [True, False])
def test_numbers_equal_the_real_one(annotations, results, tmp_path, kind, use_area):
    real_coco = importlib.import_module('xtcocotools.coco')
    real_eval = importlib.import_module('xtcocotools.cocoeval')
    if 'compat' in real_coco.__file__:
        pytest.skip('xtcocotools is our stand-in here')
    file = tmp_path / 'people.json'
    file.write_text(json.dumps(annotations))
    coco = real_coco.COCO(str(file))
    found = [
        {**r, 'bbox': annotations['annotations'][n % 30]['bbox']} for n, r in enumerate(results)
    ]
    real = real_eval.COCOeval(coco, coco.loadRes(copy.deepcopy(found)), kind, use_area=use_area)
    real.evaluate()
    real.accumulate()
    real.summarize()
    ours = evaluate(annotations, found, kind, use_area=use_area)
    assert ours.stats.tolist() == real.stats.tolist()

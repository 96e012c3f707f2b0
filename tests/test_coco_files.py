"""What COCO annotation files may say: one rule for data set and metric, nobody lost silently."""

import json

import numpy as np
import pytest

from hrnet_ext.datasets.body import CocoDataset
from hrnet_ext.datasets.body.coco_keypoints import KEYPOINTS
from hrnet_ext.evaluation.metrics.coco import CocoMetric
from hrnet_ext.evaluation.metrics.coco_samples import read_truth
from tests.coco_cases import values_of
from tests.tiny_coco import annotations, detections, person, write_coco

NAN = float('nan')


@pytest.fixture
def root(tmp_path):
    write_coco(tmp_path)
    return tmp_path


def rewrite(root, change) -> dict:
    """Apply ``change`` to the annotations in place and write them back."""
    content = json.loads((root / 'people.json').read_text())
    change(content)
    (root / 'people.json').write_text(json.dumps(content))
    return content


def build(root, **changes) -> CocoDataset:
    settings = {'data_prefix': {'img': 'images/'}, 'test_mode': True, **changes}
    return CocoDataset(data_root=str(root), ann_file='people.json', **settings)


def exactly(dataset: CocoDataset, content: dict) -> list[dict]:
    """The annotated poses, as predicted for the samples of a data set; no two boxes start alike."""
    by_id = {one['id']: one['keypoints'] for one in content['annotations']}
    by_box = {
        (one['image_id'], one['bbox'][0]): one['keypoints']
        for one in content['annotations']
        if 'bbox' in one
    }
    samples = []
    for info in map(dataset.get_data_info, range(len(dataset))):
        of_box = by_box.get((info['img_id'], info['bbox'][0, 0]))
        keypoints = by_id[info['id']] if dataset.bbox_file is None else of_box
        triples = np.array(keypoints, np.float32).reshape(1, -1, 3)
        samples.append(
            {
                'id': info['id'],
                'img_id': info['img_id'],
                'category_id': info['category_id'],
                'pred_instances': {
                    'keypoints': triples[..., :2],
                    'keypoint_scores': np.ones(triples.shape[:2], np.float32),
                },
                'gt_instances': {
                    'bbox_scores': info['bbox_score'],
                    'bbox_scales': info['bbox'][:, 2:] - info['bbox'][:, :2],
                },
            }
        )
    return samples


def ap(dataset: CocoDataset, content: dict, **settings) -> float:
    samples = exactly(dataset, content)
    return values_of(CocoMetric(**settings), dataset.metainfo, samples)['coco/AP']


def of_second(key: str, value: object):
    def change(content: dict) -> None:
        content['annotations'][1][key] = value

    return change


def of_keypoint(place: int, value: object):
    def change(content: dict) -> None:
        content['annotations'][1]['keypoints'][place] = value

    return change


def repeat_ids(content: dict) -> None:
    for one in content['annotations']:
        one['id'] = one['image_id']


def repeat_image(content: dict) -> None:
    content['images'].append(dict(content['images'][0]))


def mix_ids(content: dict) -> None:
    content['annotations'][2]['id'] = 'third'


def name_keypoints(content: dict, names: tuple) -> None:
    content['categories'][0]['keypoints'] = list(names)


def swap_names(content: dict) -> None:
    left, right = KEYPOINTS[1:3]
    name_keypoints(content, ('Nose', right, left, *KEYPOINTS[3:]))


def foreign_images(content: dict) -> None:
    for one in content['annotations']:
        one['image_id'] = str(one['image_id'])


def foreign_category(content: dict) -> None:
    content['categories'][0]['id'] = 7


def corners(content: dict) -> None:
    for one in content['annotations']:
        x, y, w, h = one['bbox']
        one['bbox'] = [x, y, x + w, y + h]


MEANINGLESS = {  # what makes every number meaningless: what the error must say
    'ids twice': (repeat_ids, r'annotations: 3 of 3 ids occur more than once, the first is 1 '),
    'image twice': (repeat_image, r'images: 1 of 3 ids occur more than once, the first is 1'),
    'ids of two types': (mix_ids, r"annotations\[2\].id is 'third'; ids should be all whole num"),
    'NaN keypoint': (of_keypoint(0, NAN), r'keypoints of annotation 3 are not all finite'),
    'NaN unlabeled': (of_keypoint(1, NAN), r'keypoints of annotation 3 are not all finite \(1 '),
    'infinite': (of_keypoint(4, float('inf')), r'keypoints of annotation 3 are not all finite'),
    'visibility -1': (of_keypoint(2, -1), r'annotation 3 has a keypoint of visibility -1 .*0 \('),
    'visibility 0.5': (of_keypoint(5, 0.5), r'annotation 3 has a keypoint of visibility 0\.5'),
    'visibility 3': (of_keypoint(8, 3), r'annotation 3 has a keypoint of visibility 3 \(1 annot'),
    'keypoint string': (of_keypoint(3, '8'), r"annotation 3: keypoints\[3\] should be a num.*'8'"),
    'keypoint null': (of_keypoint(3, None), r'annotation 3: keypoints\[3\] should be a number'),
    'text': (of_second('keypoints', '1 2 2'), r"annotation 3: keypoints should be a list of 51 n"),
    'NaN box': (of_second('bbox', [1, NAN, 3, 4]), r'3: bbox should be .* is \[1, nan, 3'),
    'corners': (corners, r'6 boxes end outside .* and all fit inside as \[x1, y1, x2, y2\]'),
    'text in box': (of_second('bbox', ['1', 2, 3, 4]), r'annotation 3: bbox should be \[x, y'),
    'text as area': (of_second('area', '12'), r"3: area should be a number, but is '12'"),
    'order of names': (swap_names, r"in another order: number 1 is 'right_eye'; correct it"),
    'other image ids': (foreign_images, r"none of the 6 annotations .*'1'; an id is 1"),
    'other category': (foreign_category, r'none of the 6 annotations .* .person. \(id 7'),
    'width': (lambda c: c['images'][1].update(width='96'), r"image 2: width should be.*'96'"),
    'category id': (lambda c: c['categories'][0].update(id='1'), r'categories\[0\].id should be'),
}  # fmt: skip


@pytest.mark.parametrize('test_mode', [False, True], ids=['train', 'test'])
@pytest.mark.parametrize('case', MEANINGLESS)
def test_what_makes_the_number_meaningless_is_an_error_when_data_sets_are_built(
    root, case, test_mode
):
    change, expected = MEANINGLESS[case]
    rewrite(root, change)
    with pytest.raises(ValueError, match=expected) as caught:
        build(root, test_mode=test_mode)
    key = 'test_dataloader' if test_mode else 'train_dataloader'
    assert f'{key}.dataset.ann_file' in str(caught.value)
    assert str(root / 'people.json') in str(caught.value)


@pytest.mark.parametrize('case', MEANINGLESS)
def test_metrics_check_their_own_file_by_the_same_rules(root, case):
    metainfo = build(root).metainfo
    change, expected = MEANINGLESS[case]
    if case == 'other category':
        expected = r'no category with id 1; it has: .person. \(id 7\)'
    rewrite(root, change)
    with pytest.raises(ValueError, match=expected) as caught:
        CocoMetric(str(root / 'people.json')).dataset_meta = metainfo
    assert 'val_evaluator.ann_file' in str(caught.value)


@pytest.mark.parametrize('area', [NAN, float('inf')])
def test_an_area_that_is_no_number_is_an_error_before_the_first_step(root, area):
    metainfo = build(root).metainfo
    rewrite(root, of_second('area', area))
    with pytest.raises(ValueError, match='annotation 3 has no positive area'):
        read_truth(str(root / 'people.json'), metainfo, use_area=True)


def test_visibilities_may_be_written_as_floats(root):
    content = rewrite(root, of_keypoint(2, 2.0))
    assert ap(build(root), content) == pytest.approx(1)


def test_names_are_compared_whatever_their_spelling(root, mmengine_log):
    rewrite(
        root, lambda c: name_keypoints(c, [name.title().replace('_', ' ') for name in KEYPOINTS])
    )
    build(root)
    assert not [one for one in mmengine_log.records if one.levelname != 'INFO']
    rewrite(root, lambda c: name_keypoints(c, ['snout', *KEYPOINTS[1:]]))
    build(root)
    (warning,) = [one.getMessage() for one in mmengine_log.records if one.levelname == 'WARNING']
    assert 'names that are not in the metainfo: snout' in warning


def make_odd(content: dict) -> None:
    """Leave one of six people, the others each for a reason of its own."""
    people = content['annotations']
    people[1]['iscrowd'] = 1
    people[2].update(keypoints=[0] * 51, num_keypoints=0)
    people[3]['bbox'] = [5, 5, 0, 9]
    people[4]['bbox'] = [200, 5, 10, 9]
    people[5]['image_id'] = 77
    people += [person(20, 2, (4, 6, 36, 80)), person(21, 2, (4, 6, 36, 80))]
    del people[6]['bbox'], people[7]['keypoints']


def test_one_line_says_who_is_there_and_why_others_are_not(root, mmengine_log):
    rewrite(root, make_odd)
    assert len(build(root)) == 1
    summary, warning = mmengine_log.records[-2:]
    assert summary.levelname == 'INFO'
    assert summary.getMessage().endswith(
        'people.json`: 1 image, 1 person; left out: 1 of images that are not listed, 1 crowd, '
        '1 without labeled keypoints, 1 box without area, 1 without a box, 1 without keypoints, '
        '1 box outside the image'
    )
    assert warning.levelname == 'WARNING'
    said = warning.getMessage()
    assert '1 box without area (first: annotation 5)' in said
    assert '1 of images that are not listed (first: annotation 7)' in said
    assert 'crowd' not in said


def test_a_healthy_file_is_no_reason_to_warn(root, mmengine_log):
    build(root)
    (summary,) = mmengine_log.records
    assert summary.getMessage().endswith('people.json`: 3 images, 6 people')


def all_crowds(content: dict) -> None:
    for one in content['annotations']:
        one['iscrowd'] = 1


def negative_widths(content: dict) -> None:
    for one in content['annotations']:
        one['bbox'][2] *= -1


def no_boxes(content: dict) -> None:
    for one in content['annotations']:
        del one['bbox']


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (all_crowds, r'has no person .*\(6 crowds \(first: annotation 2\)\)$'),
        (negative_widths, r'has no person .*\(6 boxes without area \(first: annotation 2\)\)$'),
        (no_boxes, r'6 without a box .*train_dataloader.dataset.boxes_from_keypoints=1.25'),
    ],
)
def test_where_nobody_is_left_the_reasons_are_counted(root, change, expected):
    rewrite(root, change)
    with pytest.raises(ValueError, match=expected):
        build(root, test_mode=False)


def test_boxes_can_be_made_of_keypoints(root):
    content = rewrite(root, no_boxes)
    dataset = build(root, boxes_from_keypoints=1.25)
    assert len(dataset) == 6
    points = np.reshape(content['annotations'][0]['keypoints'], (-1, 3))[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    middle, size = (low + high) / 2, 1.25 * (high - low)
    expected = np.clip([*(middle - size / 2), *(middle + size / 2)], 0, 95)
    np.testing.assert_allclose(dataset.get_data_info(0)['bbox'][0], expected, rtol=1e-6)
    assert ap(dataset, content) == pytest.approx(1)
    assert ap(dataset, content, use_area=False) == pytest.approx(1)
    with pytest.raises(ValueError, match=r'boxes_from_keypoints should be a factor of 1 or more'):
        build(root, boxes_from_keypoints=0.2)


def add_horses(content: dict) -> None:
    """Person gets id 9; each image also has a horse, id 4, with five keypoints."""
    content['categories'] = [
        {'id': 4, 'name': 'horse', 'keypoints': list('abcde')},
        {'id': 9, 'name': 'person', 'keypoints': list(KEYPOINTS)},
    ]
    for one in content['annotations']:
        one['category_id'] = 9
    for image in content['images']:
        horse = {**person(100 + image['id'], image['id'], (1, 1, 50, 60)), 'category_id': 4}
        content['annotations'].append({**horse, 'keypoints': [1, 2, 2] * 5})


@pytest.mark.parametrize('boxes', [None, 'boxes.json'])
def test_of_several_categories_that_of_people_is_taken(root, boxes, mmengine_log):
    content = rewrite(root, add_horses)
    (root / 'boxes.json').write_text(json.dumps(detections(content)))
    dataset = build(root, bbox_file=boxes)
    assert len(dataset) == 6
    assert {int(dataset.get_data_info(index)['category_id']) for index in range(6)} == {9}
    assert ap(dataset, content) == pytest.approx(1)
    if not boxes:
        said = mmengine_log.records[0].getMessage()
        assert (
            "6 people of category 'person' (id 9); left out: 3 of category 'horse' (id 4)" in said
        )


def test_a_category_can_be_named(root):
    rewrite(root, add_horses)
    with pytest.raises(ValueError, match=r'annotation 101 has 15 keypoint values, but 17'):
        build(root, category='horse')
    with pytest.raises(
        ValueError, match=r"no category with name 'cow'; it has: 'horse' \(id 4\), 'p"
    ):
        build(root, category='cow')


def test_of_unknown_categories_all_are_taken_and_another_number_of_keypoints_is_explained(root):
    def rename(content: dict) -> None:
        add_horses(content)
        content['categories'][1]['name'] = 'rider'

    rewrite(root, rename)
    with pytest.raises(ValueError, match=r"several categories, 'horse' .*set `category` to the na"):
        build(root)
    assert len(build(root, category='rider')) == 6


def test_a_single_category_may_have_any_name_and_id(root):
    def rename(content: dict) -> None:
        content['categories'] = [{'id': 0, 'name': 'skater'}]
        for one in content['annotations']:
            one['category_id'] = 0

    content = rewrite(root, rename)
    (root / 'boxes.json').write_text(json.dumps(detections(content)))
    boxes = json.loads((root / 'boxes.json').read_text())
    for category in (0, 1):  # its own, or that of detectors
        (root / 'boxes.json').write_text(
            json.dumps([{**box, 'category_id': category} for box in boxes])
        )
        assert ap(build(root, bbox_file='boxes.json'), content) == pytest.approx(1)
    assert ap(build(root), content) == pytest.approx(1)


@pytest.mark.parametrize('backend', ['pycocotools', 'auto'])
@pytest.mark.parametrize('boxes', [None, 'boxes.json'])
def test_ids_may_be_strings(root, boxes, backend, tmp_path):
    def rename(content: dict) -> None:
        names = {1: 'img_a', 2: '42', 3: 'z/1'}
        for image in content['images']:
            image['id'] = names[image['id']]
        for one in content['annotations']:
            one.update(id=f'person {one["id"]}', image_id=names[one['image_id']])

    content = rewrite(root, rename)
    (root / 'boxes.json').write_text(json.dumps(detections(content)))
    dataset = build(root, bbox_file=boxes)
    prefix = str(tmp_path / 'results')
    assert ap(dataset, content, outfile_prefix=prefix, backend=backend) == pytest.approx(1)
    results = json.loads((tmp_path / 'results.keypoints.json').read_text())
    assert {result['image_id'] for result in results} == {'img_a', '42', 'z/1'}
    if not boxes:
        with pytest.raises(ValueError, match=r"counts by image id, but those of .*'img_a'"):
            build(root, sample_interval=2)


def test_a_test_sets_file_has_no_annotations(root):
    boxes = json.loads((root / 'boxes.json').read_text())
    rewrite(root, lambda content: content.pop('annotations'))
    assert len(build(root, bbox_file='boxes.json')) == len(boxes)
    with pytest.raises(ValueError, match='lacks annotations'):
        build(root)


@pytest.mark.parametrize(
    ('asked', 'images'),
    [
        ({'indices': 2}, [1]),
        ({'indices': -1}, [3]),
        ({'indices': [0, 4, 5]}, [1, 3]),
        ({'sample_interval': 2}, [2]),
        ({'indices': 3, 'bbox_file': 'boxes.json'}, [1, 2]),
        ({'indices': 2, 'serialize_data': False}, [1]),
    ],
    ids=str,
)
def test_the_images_that_were_asked_for_are_evaluated(root, asked, images, mmengine_log):
    dataset = build(root, **asked)
    assert dataset.metainfo['image_ids'] == images
    metric = CocoMetric()
    found = values_of(metric, dataset.metainfo, exactly(dataset, annotations()))['coco/AP']
    (warning,) = [one.getMessage() for one in mmengine_log.records if one.levelname == 'WARNING']
    assert f'is for the {len(images)} images that the data set selects' in warning
    assert 'not for all 3' in warning
    missed = 2 * len(images) - len(dataset)
    assert found == pytest.approx(1) if not missed else 0 < found < 1


def test_a_whole_data_set_is_no_part_of_itself(root, mmengine_log):
    thr = {'bbox_score_thr': 0.5}
    boxes = json.loads((root / 'boxes.json').read_text())
    boxes[0]['score'] = boxes[1]['score'] = 0.1
    (root / 'boxes.json').write_text(json.dumps(boxes))
    dataset = build(root, bbox_file='boxes.json', filter_cfg=thr)
    assert len(dataset) == 4
    assert 'image_ids' not in dataset.metainfo
    # Both people of the image whose boxes are too weak are missed.
    assert ap(dataset, annotations()) == pytest.approx(2 / 3, abs=0.01)
    assert 'image_ids' not in build(root, test_mode=False, indices=2).metainfo


def test_a_part_taken_later_is_one_too(root):
    dataset = build(root)
    dataset.get_subset_(2)
    assert dataset.metainfo['image_ids'] == [1]
    assert build(root).get_subset([0, 5]).metainfo['image_ids'] == [1, 3]

"""The COCO metric: MMPose's numbers, the paper's size classes, honest labels."""

import json

import numpy as np
import pytest
from mmpose.evaluation.metrics import CocoMetric as MMPoseCocoMetric

from hrnet_ext.datasets.body import CocoDataset
from hrnet_ext.evaluation.metrics.coco import CocoMetric, check_people, check_sigmas
from tests.tiny_coco import write_coco


@pytest.fixture
def root(tmp_path):
    write_coco(tmp_path)
    return tmp_path


def build(root, **changes) -> CocoDataset:
    settings = {'data_prefix': {'img': 'images/'}, 'test_mode': True, **changes}
    return CocoDataset(data_root=str(root), ann_file='people.json', **settings)


def predictions(dataset: CocoDataset, shift: float) -> list[dict]:
    """Every annotated person, the n-th ``n * shift`` pixels off, in boxes twice as large."""
    samples = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        keypoints = info['keypoints'] + index * shift
        x, y, x2, y2 = info['bbox'][0]
        scores = np.full(keypoints.shape[:2], 1 - 0.1 * index, dtype=np.float32)
        samples.append(
            {
                'id': info['id'],
                'img_id': info['img_id'],
                'ori_shape': (96, 96),
                'raw_ann_info': info['raw_ann_info'],
                'pred_instances': {
                    'keypoints': keypoints,
                    'keypoint_scores': scores,
                    'bboxes': np.array([[x, y, 2 * x2, 2 * y2]]),
                },
                'gt_instances': {
                    'bbox_scales': np.array([[x2 - x, y2 - y]]) * 1.25,
                    'bbox_scores': info['bbox_score'],
                },
            }
        )
    return samples


def evaluate(metric, dataset: CocoDataset, shift: float) -> dict:
    metric.dataset_meta = dataset.metainfo
    metric.process([], predictions(dataset, shift))
    return metric.evaluate(len(dataset))


def test_perfect_predictions_score_one(root):
    values = evaluate(CocoMetric(), build(root), shift=0)
    assert values['coco/AP'] == pytest.approx(1)
    assert values['coco/AR'] == pytest.approx(1)


def test_values_are_mmposes_where_boxes_play_no_part(root):
    ours = evaluate(CocoMetric(), build(root), shift=1.2)
    theirs = evaluate(MMPoseCocoMetric(), build(root), shift=1.2)
    assert 0.1 < ours['coco/AP'] < 0.9
    size_free = [name for name in ours if '(' not in name]
    assert {name: ours[name] for name in size_free} == {name: theirs[name] for name in size_free}


def test_the_values_are_the_announced_ones(root):
    values = evaluate(CocoMetric(), build(root), shift=0)
    assert list(values) == [f'coco/{name}' for name in CocoMetric.names]


def test_boxes_do_not_reach_the_evaluator(root, tmp_path):
    metric = CocoMetric(outfile_prefix=str(tmp_path / 'results'))
    evaluate(metric, build(root), shift=0)
    results = json.loads((tmp_path / 'results.keypoints.json').read_text())
    assert len(results) == 6
    assert set(results[0]) == {'image_id', 'category_id', 'keypoints', 'score'}


def test_ground_truth_boxes_for_want_of_others_are_labelled(root, mmengine_log):
    values = evaluate(CocoMetric(), build(root, bbox_file='absent.json'), shift=0)
    assert values['coco/ground_truth_boxes'] == 1
    assert values['coco/AP'] == pytest.approx(1)
    assert any(
        'GROUND-TRUTH BOXES' in record.getMessage() and 'absent.json' in record.getMessage()
        for record in mmengine_log.records
    )


def test_ground_truth_boxes_by_choice_are_not_labelled(root):
    assert 'coco/ground_truth_boxes' not in evaluate(CocoMetric(), build(root), shift=0)


def test_missing_annotation_file_names_the_key(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'absent.json.*val_evaluator.ann_file'):
        CocoMetric(ann_file=str(tmp_path / 'absent.json'))


def test_areas_are_checked_before_anything_is_evaluated(root):
    content = json.loads((root / 'people.json').read_text())
    del content['annotations'][2]['area']
    (root / 'people.json').write_text(json.dumps(content))
    dataset = build(root)
    with pytest.raises(ValueError, match=r'annotation 4 has no positive area.*use_area=False'):
        CocoMetric().dataset_meta = dataset.metainfo
    CocoMetric(use_area=False).dataset_meta = dataset.metainfo


def test_keypoints_of_people_are_counted():
    with pytest.raises(ValueError, match='annotation 7 has 48 keypoint values'):
        check_people([{'id': 7, 'keypoints': [1] * 48, 'area': 1.0}], 17)


@pytest.mark.parametrize(
    ('sigmas', 'expected'),
    [([0.1] * 16, '16 values for 17'), ([0.1] * 16 + [0.0], 'should be positive')],
)
def test_sigmas_are_checked(sigmas, expected):
    with pytest.raises(ValueError, match=expected):
        check_sigmas(np.array(sigmas), 17)

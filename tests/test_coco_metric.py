"""The COCO metric: MMPose's numbers, the paper's size classes, honest labels."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.evaluator import Evaluator
from mmpose.evaluation.metrics import CocoMetric as MMPoseCocoMetric

from hrnet_ext.datasets.body import CocoDataset
from hrnet_ext.evaluation.metrics.coco import CocoMetric
from hrnet_ext.registry import METRICS
from tests.coco_cases import COCO_SIGMAS, metainfo_of, values_of
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
    return values_of(metric, dataset.metainfo, predictions(dataset, shift))


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


def test_ground_truth_boxes_for_want_of_others_are_labeled(root, mmengine_log):
    values = evaluate(CocoMetric(), build(root, bbox_file='absent.json'), shift=0)
    assert values['coco/ground_truth_boxes'] == 1
    assert values['coco/AP'] == pytest.approx(1)
    assert any(
        'GROUND-TRUTH BOXES' in record.getMessage() and 'absent.json' in record.getMessage()
        for record in mmengine_log.records
    )


def test_ground_truth_boxes_by_choice_are_not_labeled(root):
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


def test_a_sample_seen_by_two_processes_counts_once(root):
    dataset = build(root)
    samples = predictions(dataset, shift=1.2)
    expected = values_of(CocoMetric(), dataset.metainfo, samples)
    doubled = [*samples[3:], *copy.deepcopy(samples)]
    assert values_of(CocoMetric(nms_mode='none'), dataset.metainfo, doubled) == expected


def test_people_of_a_bottom_up_model_belong_to_their_image(root):
    dataset = build(root)
    people = predictions(dataset, shift=1.2)
    expected = values_of(CocoMetric(nms_mode='none'), dataset.metainfo, people)
    images = []
    for first, second in zip(people[::2], people[1::2]):
        assert first['img_id'] == second['img_id']
        merged = {
            name: np.concatenate([first['pred_instances'][name], second['pred_instances'][name]])
            for name in ('keypoints', 'keypoint_scores')
        }
        image = {**first, 'id': [first['id'], second['id']], 'category_id': np.array([1, 1])}
        images.append({**image, 'pred_instances': merged, 'gt_instances': {}})
    nobody = copy.deepcopy(images[0])
    nobody.update(id=[], img_id=1)
    nobody['pred_instances'] = {
        'keypoints': np.zeros((0, 17, 2)), 'keypoint_scores': np.zeros((0, 17))
    }  # fmt: skip
    doubled = [*images, nobody, *copy.deepcopy(images)]
    assert values_of(CocoMetric(nms_mode='none'), dataset.metainfo, doubled) == expected


def test_nobody_predicted_is_ap_0_and_said_so(root, mmengine_log):
    dataset = build(root)
    sample = predictions(dataset, shift=0)[0]
    sample['pred_instances'] = {
        'keypoints': np.zeros((0, 17, 2)), 'keypoint_scores': np.zeros((0, 17))
    }  # fmt: skip
    assert values_of(CocoMetric(), dataset.metainfo, [sample])['coco/AP'] == 0
    assert 'no person was predicted in any image, so AP is 0' in mmengine_log.text
    metric = CocoMetric()
    metric.dataset_meta = dataset.metainfo
    assert metric.compute_metrics([])['AP'] == 0


def test_the_table_is_logged_once_and_nothing_printed(root, mmengine_log, capfd):
    evaluate(CocoMetric(), build(root), shift=1.2)
    tables = [
        record.getMessage() for record in mmengine_log.records if '(M)' in record.getMessage()
    ]
    assert len(tables) == 1
    assert tables[0].startswith('6 poses in 3 of 3 images, evaluated by ')
    names, values = tables[0].splitlines()[1:]
    assert names.split() == ' '.join(CocoMetric.names).split()
    assert values.split()[4] == '-'  # nobody is large
    assert 'Average Precision' not in capfd.readouterr().out


def test_values_are_written_beside_the_predictions(root, tmp_path):
    prefix = str(tmp_path / 'new/results')
    values = evaluate(CocoMetric(outfile_prefix=prefix), build(root, bbox_file='absent.json'), 1.2)
    written = json.loads(Path(f'{prefix}.metrics.json').read_text())
    assert {f'coco/{name}': value for name, value in written.items()} == values
    assert written['ground_truth_boxes'] == 1


def test_formatting_needs_no_ground_truth(root, tmp_path):
    dataset = build(root)
    prefix = str(tmp_path / 'results')
    metric = CocoMetric(format_only=True, outfile_prefix=prefix)
    samples = predictions(dataset, shift=0)
    for sample in samples:
        del sample['raw_ann_info']
    assert metric.names == ()
    assert values_of(metric, dataset.metainfo, samples) == {}
    assert len(json.loads(Path(f'{prefix}.keypoints.json').read_text())) == 6
    assert not Path(f'{prefix}.metrics.json').exists()


def test_a_folder_that_cannot_be_written_is_found_before_the_first_step(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError, match='Cannot write'):
        CocoMetric(outfile_prefix=str(tmp_path / 'file' / 'results'))


def test_a_test_sets_images_can_only_be_formatted(root):
    content = json.loads((root / 'people.json').read_text())
    metainfo = build(root).metainfo
    del content['annotations']
    (root / 'images_only.json').write_text(json.dumps(content))
    metric = CocoMetric(ann_file=str(root / 'images_only.json'))
    with pytest.raises(ValueError, match=r'images_only.json.*without annotations.*format_only'):
        metric.dataset_meta = metainfo


def test_an_annotation_file_of_another_kind_is_refused(root):
    metainfo = build(root).metainfo
    metric = CocoMetric(ann_file=str(root / 'boxes.json'))
    with pytest.raises(ValueError, match=r'val_evaluator.ann_file.*boxes.json.*holds a list'):
        metric.dataset_meta = metainfo


def test_predictions_of_another_data_set_are_refused(root):
    dataset = build(root)
    samples = predictions(dataset, shift=0)
    samples[2]['img_id'] = 99
    with pytest.raises(
        ValueError, match=r'image 99 was predicted, but .* \(val_evaluator.ann_file'
    ):
        values_of(CocoMetric(), dataset.metainfo, samples)


@pytest.mark.parametrize(
    ('field', 'value'),
    [('keypoints', np.nan), ('keypoint_scores', np.nan), ('keypoint_scores', np.inf)],
)
def test_a_pose_that_is_not_finite_is_left_out_and_named(root, mmengine_log, field, value):
    dataset = build(root)
    samples = predictions(dataset, shift=0)
    without = values_of(CocoMetric(), dataset.metainfo, samples[:2] + samples[3:])
    samples[2]['pred_instances'][field].flat[0] = value
    assert values_of(CocoMetric(), dataset.metainfo, samples) == without
    (warning,) = (r.getMessage() for r in mmengine_log.records if r.levelname == 'WARNING')
    person = f'image {samples[2]["img_id"]}, person {samples[2]["id"]};'
    assert f'1 of {len(samples)} predicted poses have a coordinate or score' in warning
    assert person in warning


def test_predictions_none_of_which_is_finite_are_refused(root):
    dataset = build(root)
    samples = predictions(dataset, shift=0)
    for sample in samples:
        sample['pred_instances']['keypoints'][:] = np.nan
    with pytest.raises(ValueError, match=r'first in image 1, person .*has training diverged'):
        values_of(CocoMetric(), dataset.metainfo, samples)


def test_a_sample_of_a_detected_box_is_no_ground_truth(root):
    samples = predictions(build(root), shift=0)
    samples[0]['raw_ann_info'] = None
    with pytest.raises(ValueError, match=r'sample .* no raw_ann_info .*val_evaluator.ann_file'):
        values_of(CocoMetric(), metainfo_of(COCO_SIGMAS), samples)


def test_a_prediction_is_of_one_category(root):
    dataset = build(root)
    samples = predictions(dataset, shift=0)
    samples[0]['category_id'] = np.array([1, 2])
    with pytest.raises(ValueError, match=r'categories \[1, 2\]'):
        values_of(CocoMetric(), dataset.metainfo, samples)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'iou_type': 'keypoints_crowd'}, r"iou_type='keypoints_crowd'.*type='mmpose.CocoMetric'"),
        ({'pred_converter': {'num_keypoints': 5}}, r'pred_converter.*mmpose.CocoMetric'),
        ({'gt_converter': {}}, r'gt_converter.*mmpose.CocoMetric'),
        ({'score_mode': 'boxes'}, '`score_mode` should be one of bbox'),
        ({'nms_mode': 'nms'}, '`nms_mode` should be one of oks_nms'),
        ({'backend': 'fast'}, '`backend` should be one of auto'),
        ({'nms_mode': 'soft_oks_nms', 'nms_thr': 0}, 'should be positive, but is 0'),
        ({'format_only': True}, r'format_only=True.*outfile_prefix'),
    ],
)
def test_settings_are_checked_when_it_is_built(settings, message):
    with pytest.raises(ValueError, match=message):
        CocoMetric(**settings)


def test_a_config_builds_it_and_gives_it_another_name(root):
    dataset = build(root)
    evaluator = Evaluator([{'type': 'hrnet_ext.CocoMetric', 'prefix': 'mine'}])
    assert isinstance(evaluator.metrics[0], METRICS.get('hrnet_ext.CocoMetric'))
    evaluator.dataset_meta = dataset.metainfo
    evaluator.process(predictions(dataset, shift=0))
    assert evaluator.evaluate(len(dataset))['mine/AP'] == pytest.approx(1)

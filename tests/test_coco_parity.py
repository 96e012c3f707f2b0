"""The COCO metric gives MMPose's numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmpose.evaluation.metrics import CocoMetric as MMPoseCocoMetric

from hrnet_ext.evaluation.metrics.coco import CocoMetric
from tests.coco_cases import (
    COCO_SIGMAS,
    as_samples,
    metainfo_of,
    random_people,
    random_results,
    values_of,
)

SAMPLE = Path(__file__).parents[2] / 'shared' / 'data' / 'coco_sample' / 'test_coco.json'

PARITY = [
    {},
    {'score_mode': 'bbox', 'nms_mode': 'none'},
    {'score_mode': 'bbox_rle', 'nms_mode': 'soft_oks_nms', 'nms_thr': 0.5},
    {'score_mode': 'keypoint', 'nms_thr': 0.5},
    {'keypoint_score_thr': 0.6, 'nms_thr': 0.7, 'use_area': False},
]


@pytest.mark.parametrize('settings', PARITY, ids=str)
@pytest.mark.parametrize(('num_keypoints', 'num_categories'), [(17, 1), (5, 3)])
def test_all_ten_values_are_mmposes(settings, num_keypoints, num_categories, tmp_path):
    """Where no boxes are predicted; MMPose evaluates with the xtcocotools it finds."""
    rng = np.random.default_rng(num_keypoints)
    content = random_people(rng, 40, num_keypoints, num_categories)
    samples = as_samples(rng, random_results(rng, content))
    (tmp_path / 'people.json').write_text(json.dumps(content))
    metainfo = metainfo_of(rng.uniform(0.03, 0.11, num_keypoints))
    ours, theirs = (
        values_of(each(ann_file=str(tmp_path / 'people.json'), **settings), metainfo, samples)
        for each in (CocoMetric, MMPoseCocoMetric)
    )
    assert 0.1 < ours['coco/AP'] < 0.9
    assert ours == pytest.approx(theirs, rel=0, abs=1e-12)


def test_annotations_carried_by_samples_are_the_ground_truth(tmp_path):
    rng = np.random.default_rng(0)
    content = random_people(rng, 20)
    samples = []
    for person in content['annotations']:
        found = random_results(rng, {**content, 'annotations': [person]})
        carried = {'id': person['id'], 'raw_ann_info': person, 'ori_shape': (480, 640)}
        samples += [{**sample, **carried} for sample in as_samples(rng, found[:1])]
    metainfo = {**metainfo_of(COCO_SIGMAS), 'CLASSES': content['categories']}
    theirs = values_of(MMPoseCocoMetric(), metainfo, samples)
    assert theirs['coco/AP'] > 0.1
    ours = values_of(CocoMetric(outfile_prefix=str(tmp_path / 'a/b')), metainfo, samples)
    assert ours == pytest.approx(theirs, rel=0, abs=1e-12)
    written = json.loads((tmp_path / 'a/b.gt.json').read_text())
    assert len(written['annotations']) == len(samples)


def mmposes_sample(grow: tuple[float, float], confidence: float, box_score: float, number: int):
    """MMPose's test data: a person of its sample, moved away from the origin."""
    person = json.loads(SAMPLE.read_text())['annotations'][number]
    triples = np.array(person['keypoints'], np.float32).reshape(1, -1, 3)
    _, _, width, height = person['bbox']
    return {
        'id': person['id'],
        'img_id': person['image_id'],
        'pred_instances': {
            'keypoints': triples[..., :2] * np.array(grow, np.float32),
            'keypoint_scores': triples[..., 2] * np.float32(confidence),
        },
        'gt_instances': {
            'bbox_scores': np.ones(1, np.float32) * np.float32(box_score),
            'bbox_scales': np.array([[width * 1.25, height * 1.25]]),
        },
    }


def alignment_samples() -> list[dict]:
    people = range(len(json.loads(SAMPLE.read_text())['annotations']))
    return [mmposes_sample((0.98, 1.02), 0.8, 0.98, number) for number in people]


def alignment_pairs() -> list[dict]:
    """Two predictions of every person, the farther off the later it is listed."""
    samples = []
    for number in range(len(json.loads(SAMPLE.read_text())['annotations'])):
        off = number / 100
        samples.append(mmposes_sample((1 - off, 1 + off), 1 - off, 1, number))
        samples.append(mmposes_sample((1 + off, 1 - off), 1 - 2 * off, 1 - 2 * off, number))
        samples[-1]['id'] += 1
    return samples


@pytest.mark.skipif(not SAMPLE.is_file(), reason='shared/data/coco_sample is not there')
@pytest.mark.parametrize(
    ('settings', 'samples', 'expected'),
    [
        (
            {},
            alignment_samples,
            [0.5287458745874587, 0.9042904290429042, 0.5009900990099009, 0.42475247524752474,
             0.6219554455445544, 0.5833333333333333, 0.9166666666666666, 0.5833333333333334,
             0.44000000000000006, 0.6857142857142857],
        ),
        (
            {'score_mode': 'bbox_rle'},
            alignment_samples,
            [0.5004950495049505, 0.8836633663366337, 0.4679867986798679, 0.42475247524752474,
             0.5814108910891089, 0.5833333333333333, 0.9166666666666666, 0.5833333333333334,
             0.44000000000000006, 0.6857142857142857],
        ),
        (
            {'nms_mode': 'soft_oks_nms'},
            alignment_pairs,
            [0.17073707370737073, 0.25055005500550054, 0.10671067106710669, 0.0,
             0.29315181518151806, 0.2416666666666666, 0.3333333333333333, 0.16666666666666666,
             0.0, 0.41428571428571426],
        ),
    ],
    ids=['defaults', 'bbox_rle', 'soft_oks_nms'],
)  # fmt: skip
def test_the_values_mmpose_locks_its_metric_to(settings, samples, expected):
    """Those of MMPose's test_topdown_alignment, which predict no boxes: AP (M), AP (L) included."""
    metric = CocoMetric(ann_file=str(SAMPLE), **settings)
    values = values_of(metric, metainfo_of(COCO_SIGMAS), samples())
    assert list(values.values()) == pytest.approx(expected, rel=0, abs=1e-9)

"""Evaluation: OKS-NMS, COCO's metric and PoseTrack18's, of MMPose and of ours.

Legend: N persons; K keypoints; keypoints (N, K, 2) in image pixels; boxes x, y, w, h.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
from mmengine.registry import METRICS, init_default_scope
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.evaluation.functional import oks_nms as mmpose_oks_nms

from benchmarks.bench import Bench
from benchmarks.comparison import MMPOSE, Call, Comparison
from benchmarks.samples import render
from hrnet_ext.datasets.body.coco_keypoints import coco_metainfo
from hrnet_ext.datasets.body.posetrack18_keypoints import posetrack18_metainfo
from hrnet_ext.evaluation import oks_nms
from hrnet_ext.writing import write_json

NMS_THRESHOLD = 0.9
POSES = (5, 30, 100)
PERSONS_PER_IMAGE = 5
NUM_IMAGES = {True: 40, False: 1000}  # quick or not
NUM_VIDEOS = {True: 1, False: 10}
BATCH = 32
AP_OFF_BY = 1e-6
PIXELS_OFF = 6.0  # standard deviation of a predicted keypoint, so that AP is neither 0 nor 1
PADDING = 1.25  # of a box, MMPose's
NUM_KEYPOINTS = 17


def run_eval(bench: Bench) -> None:
    """Tables for suppression, for COCO and for PoseTrack18."""
    init_default_scope('mmpose')
    for num_poses in POSES:
        _measure(bench, f'OKS-NMS of {num_poses} poses', 1, _suppression(bench, num_poses))
    _coco(bench, NUM_IMAGES[bench.options.quick])
    _posetrack(bench, NUM_VIDEOS[bench.options.quick])


def _measure(bench: Bench, title: str, num_images: int, comparison: Comparison) -> None:
    bench.measure(comparison, f'eval: {title}', 'image', items=num_images, warm_up=1)


def _suppression(bench: Bench, num_poses: int) -> Comparison:
    sigmas = np.array(coco_metainfo()['sigmas'])
    people = predicted(annotations(1, -(-num_poses // 2)), 2)[:num_poses]
    keypoints = np.concatenate([each['pred_instances']['keypoints'] for each in people])
    scores = np.concatenate([each['gt_instances']['bbox_scores'] for each in people])
    areas = np.concatenate([each['gt_instances']['bbox_scales'].prod(1) for each in people])
    as_dicts = [
        {'keypoints': np.insert(pose, 2, 1, axis=1), 'score': score, 'area': area}
        for pose, score, area in zip(keypoints, scores, areas)
    ]
    comparison = bench.comparison()
    comparison.add(MMPOSE, lambda: partial(mmpose_oks_nms, as_dicts, NMS_THRESHOLD, sigmas))
    poses = keypoints, scores, areas
    comparison.add('ours', lambda: partial(oks_nms, *poses, NMS_THRESHOLD, sigmas))
    return comparison


def _coco(bench: Bench, num_images: int) -> None:
    people, path = annotations(num_images, PERSONS_PER_IMAGE), bench.folder / 'coco_metric.json'
    ids, size = range(1, num_images + 1), {'width': 640, 'height': 480}
    images = [{'id': index, 'file_name': f'{index:012d}.jpg', **size} for index in ids]
    categories = [{'id': 1, 'name': 'person'}]
    write_json(path, {'images': images, 'annotations': people, 'categories': categories})
    meta = {**parse_pose_metainfo(coco_metainfo()), 'dataset_name': 'benchmark'}
    types = {MMPOSE: 'CocoMetric', 'ours': 'hrnet_ext.CocoMetric'}
    comparison = _metrics(bench, types, str(path), meta, predicted(people, 2), 'coco/AP')
    title = f'CocoMetric, {num_images} images of {PERSONS_PER_IMAGE}, two guesses each'
    _measure(bench, title, num_images, comparison)


def _posetrack(bench: Bench, num_videos: int) -> None:
    bench.say('eval: rendering videos')
    folder = render(bench.folder, num_val=num_videos, layout='posetrack18')
    path = folder / 'annotations' / 'posetrack18_val.json'
    content = json.loads(path.read_text())
    people = [each for each in content['annotations'] if any(each['keypoints'])]
    meta = parse_pose_metainfo(posetrack18_metainfo())
    types = {MMPOSE: 'PoseTrack18Metric', 'ours': 'hrnet_ext.PoseTrackMetric'}
    comparison = _metrics(bench, types, str(path), meta, predicted(people, 1), 'posetrack18/AP')
    title = f"PoseTrack18's metric (AP), {num_videos} videos"
    _measure(bench, title, len(content['images']), comparison)


def _metrics(
    bench: Bench, types: dict[str, str], path: str, meta: dict, samples: list[dict], key: str
) -> Comparison:
    """Metrics by entry, from data samples in batches to one value."""

    def build(kind: str) -> Call:
        metric = METRICS.build({'type': kind, 'ann_file': path})

        def call() -> float:
            metric.dataset_meta = meta
            for start in range(0, len(samples), BATCH):
                metric.process([], samples[start : start + BATCH])
            return metric.evaluate(len(samples))[key]

        return call

    comparison = bench.comparison()
    for name, kind in types.items():
        comparison.add(name, partial(build, kind), tolerance=AP_OFF_BY)
    return comparison


def annotations(num_images: int, persons_per_image: int) -> list[dict[str, Any]]:
    """COCO's annotations of made-up persons, 100 to 300 pixels tall."""
    rng = np.random.default_rng(0)
    num = num_images * persons_per_image
    sizes = rng.uniform(100, 300, (num, 1)) * (0.5, 1)
    corners = rng.uniform(size=(num, 2)) * ((640, 480) - sizes)
    keypoints = corners[:, None] + rng.uniform(size=(num, NUM_KEYPOINTS, 2)) * sizes[:, None]
    return [
        {
            'id': index + 1, 'image_id': index // persons_per_image + 1,
            'category_id': 1, 'iscrowd': 0, 'num_keypoints': NUM_KEYPOINTS,
            'bbox': [*corners[index].tolist(), *sizes[index].tolist()],
            'area': float(sizes[index].prod() * 0.6),
            'keypoints': np.insert(keypoints[index], 2, 2, axis=1).ravel().tolist(),
        }
        for index in range(num)
    ]  # fmt: skip


def predicted(people: list[dict[str, Any]], num_guesses: int) -> list[dict[str, Any]]:
    """Data samples, as dicts, of ``num_guesses`` poses near each annotated person."""
    rng = np.random.default_rng(1)

    def sample(index: int, person: dict[str, Any]) -> dict[str, Any]:
        keypoints = np.reshape(person['keypoints'], (1, NUM_KEYPOINTS, 3))[..., :2]
        noise = rng.normal(scale=PIXELS_OFF, size=keypoints.shape)
        scores = rng.uniform(0.3, 1, (2, 1, NUM_KEYPOINTS)).astype(np.float32)
        return {
            'id': index, 'img_id': person['image_id'], 'category_id': 1, 'raw_ann_info': {},
            'ori_shape': (480, 640),
            'pred_instances': {
                'keypoints': (keypoints + noise).astype(np.float32), 'keypoint_scores': scores[0],
            },
            'gt_instances': {
                'bbox_scores': scores[1, :, 0],
                'bbox_scales': np.float32([person['bbox'][2:]]) * np.float32(PADDING),
            },
        }  # fmt: skip

    guesses = [person for person in people for _ in range(num_guesses)]
    return [sample(*each) for each in enumerate(guesses)]

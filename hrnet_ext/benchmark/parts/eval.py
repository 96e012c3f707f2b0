"""Evaluation: OKS-NMS, COCO's metric and PoseTrack18's, of MMPose and of ours."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.registry import METRICS, init_default_scope
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.evaluation.functional import oks_nms as mmpose_oks_nms

from hrnet_ext.benchmark.contest import Call
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.predictions import coco_annotations, predicted
from hrnet_ext.benchmark.rendered import render_videos
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.timing_table import add_timings, timing_columns
from hrnet_ext.datasets.body.coco_keypoints import coco_metainfo
from hrnet_ext.datasets.body.posetrack18_keypoints import posetrack18_metainfo
from hrnet_ext.evaluation import oks_nms
from hrnet_ext.writing import write_json

BASELINE, OURS = 'MMPose', 'ours'
NMS_THRESHOLD = 0.9
CROWDS = (5, 30, 100)  # poses of one image
PEOPLE_PER_IMAGE = 5
NUM_IMAGES = {True: 40, False: 1000}  # quick or not
NUM_VIDEOS = {True: 1, False: 10}
BATCH = 32
AP_OFF_BY = 1e-6


def run(options: Options, report: Report, stage: Stage) -> None:
    """Three kinds of tables."""
    init_default_scope('mmpose')
    for num_poses in CROWDS:
        _suppression(num_poses, (options, report, stage))
    _coco((options, report, stage))
    _posetrack((options, report, stage))


def _suppression(num_poses: int, where: tuple[Options, Report, Stage]) -> None:
    sigmas = np.array(coco_metainfo()['sigmas'])
    content = coco_annotations(1, -(-num_poses // 2))
    people = predicted(content['annotations'])[:num_poses]
    keypoints = np.concatenate([each['pred_instances']['keypoints'] for each in people])
    scores = np.concatenate([each['gt_instances']['bbox_scores'] for each in people])
    areas = np.concatenate([each['gt_instances']['bbox_scales'].prod(1) for each in people])
    as_dicts = [
        {'keypoints': np.insert(pose, 2, 1, axis=1), 'score': score, 'area': area}
        for pose, score, area in zip(keypoints, scores, areas)
    ]
    line_up = LineUp()
    line_up.enter(BASELINE, lambda: lambda: mmpose_oks_nms(as_dicts, NMS_THRESHOLD, sigmas))
    line_up.enter(OURS, lambda: lambda: oks_nms(keypoints, scores, areas, NMS_THRESHOLD, sigmas))
    _compete(f'OKS-NMS of {num_poses} poses', 'image', 1, line_up, where)


def _coco(where: tuple[Options, Report, Stage]) -> None:
    options, _, stage = where
    content = coco_annotations(NUM_IMAGES[options.quick], PEOPLE_PER_IMAGE)
    path = str(stage.folder / 'coco_metric' / 'people.json')
    write_json(path, content)
    meta = {**parse_pose_metainfo(coco_metainfo()), 'dataset_name': 'benchmark'}
    samples = predicted(content['annotations'])
    line_up = LineUp()
    for name, kind in ((BASELINE, 'CocoMetric'), (OURS, 'hrnet_ext.CocoMetric')):
        build = partial(_evaluating, {'type': kind, 'ann_file': path}, meta, samples, 'coco/AP')
        line_up.enter(name, build, tolerance=AP_OFF_BY)
    _compete(
        f'CocoMetric, {len(content["images"])} images of {PEOPLE_PER_IMAGE}, two guesses each',
        'image', len(content['images']), line_up, where,
    )  # fmt: skip


def _posetrack(where: tuple[Options, Report, Stage]) -> None:
    options, _, stage = where
    folder = render_videos(stage, NUM_VIDEOS[options.quick])
    path = Path(folder, 'annotations', 'posetrack18_val.json')
    content = json.loads(path.read_text())
    meta = parse_pose_metainfo(posetrack18_metainfo())
    people = [each for each in content['annotations'] if any(each['keypoints'])]
    samples = predicted(people, num_guesses=1)
    line_up = LineUp()
    for name, kind in ((BASELINE, 'PoseTrack18Metric'), (OURS, 'hrnet_ext.PoseTrackMetric')):
        metric = {'type': kind, 'ann_file': str(path)}
        build = partial(_evaluating, metric, meta, samples, 'posetrack18/AP')
        line_up.enter(name, build, tolerance=AP_OFF_BY)
    _compete(
        f"PoseTrack18's metric (AP), {NUM_VIDEOS[options.quick]} videos",
        'image', len(content['images']), line_up, where,
    )  # fmt: skip


def _evaluating(
    metric: dict[str, Any], meta: dict[str, Any], samples: list[dict[str, Any]], key: str
) -> Call:
    """From data samples, batch by batch, to a value."""
    evaluator = METRICS.build(metric)

    def call() -> float:
        evaluator.dataset_meta = meta
        for start in range(0, len(samples), BATCH):
            evaluator.process([], samples[start : start + BATCH])
        return evaluator.evaluate(len(samples))[key]

    return call


def _compete(title: str, item: str, items: int, line_up: LineUp, where: tuple) -> None:
    _, report, stage = where
    stage.say(f'{title}, comparing results')
    line_up.check(BASELINE)
    contest = stage.contest(line_up)
    table = report.table(f'eval: {title}', *timing_columns(item, (), BASELINE))
    finish = partial(add_timings, table, contest, items=items, baseline=BASELINE)
    stage.run(contest, title, finish=finish, warm_up=1)

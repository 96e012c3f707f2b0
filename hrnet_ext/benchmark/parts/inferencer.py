"""A video with ten people a frame through MMPose's inferencer and through ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.apis import MMPoseInferencer

from hrnet_ext.apis import PoseInferencer
from hrnet_ext.benchmark.contest import Call
from hrnet_ext.benchmark.film import Film, make_film
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.pixels import RANDOM_WEIGHTS, median_distance, pixels_allowed
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.timing_table import add_timings, timing_columns
from hrnet_ext.benchmark.twin_data import mmpose_dataset_config
from hrnet_ext.benchmark.twins import Twins, mmpose_model

BASELINE = 'MMPose'
FRAMES = {True: 2, False: 10}  # quick or not
MOST_ROUNDS = 5


def run(options: Options, report: Report, stage: Stage) -> None:
    """A table."""
    stage.say('making the video')
    film = make_film(stage, FRAMES[options.quick])
    twins = Twins(options)
    weights = str(stage.folder / 'pose.pth')
    torch.save({'state_dict': twins.weights()}, weights)
    line_up = LineUp()
    found: dict[str, int] = {}
    mmposes = partial(_mmposes, twins, weights, film, options)
    line_up.enter(BASELINE, partial(_counting, BASELINE, mmposes, found))
    for mode in options.modes:
        name = f'ours, {mode}'
        ours = partial(_ours, twins, weights, film, options, mode)
        line_up.enter(
            name,
            partial(_counting, name, ours, found),
            tolerance=pixels_allowed(mode, options),
        )
    stage.say('comparing results')
    line_up.check(BASELINE, median_distance)
    contest = stage.contest(line_up)
    extra = {
        'people found': lambda name: found[name] / len(film.boxes),
        'keypoints off by, px': line_up.differences.get,
    }
    height, width = twins.input_shape
    found_by = 'boxes given' if options.detector is None else f'boxes by {options.detector}'
    table = report.table(
        f'inferencer: {options.config} {height}x{width}, flip test, video with '
        f'{film.num_people} people a frame, {found_by}',
        *timing_columns('frame', tuple(extra), BASELINE),
    )
    if options.checkpoint is None:
        table.notes.append(RANDOM_WEIGHTS)
    table.notes += line_up.remarks
    finish = partial(
        add_timings, table, contest, items=len(film.boxes), baseline=BASELINE, extra=extra
    )
    rounds = min(options.rounds, MOST_ROUNDS)
    stage.run(contest, 'video', finish=finish, warm_up=0, rounds=rounds)


def _counting(name: str, build: Callable[[], Call], found: dict[str, int]) -> Call:
    """What ``build`` returns, which also notes in ``found`` how many people it finds."""
    estimate = build()

    def call() -> list[np.ndarray]:
        poses = estimate()
        found[name] = sum(map(len, poses))
        return poses

    return call


def _mmposes(twins: Twins, weights: str, film: Film, options: Options) -> Call:
    cfg = Config(twins.cfg.to_dict())
    cfg.model = mmpose_model(cfg.model)
    cfg.test_dataloader.dataset = mmpose_dataset_config(twins.cfg, 'test')
    found = {'det_model': 'whole_image'}
    if options.detector:
        found = {
            'det_model': options.detector, 'det_weights': options.detector_checkpoint,
            'det_cat_ids': [0],
        }  # fmt: skip
    inferencer = MMPoseInferencer(cfg, weights, device=options.device, **found)
    if not options.detector:
        inferencer.inferencer.detector = _Given(film.boxes)
        inferencer.inferencer.det_cat_ids = (0,)
    return lambda: _poses(inferencer(film.path))


def _ours(twins: Twins, weights: str, film: Film, options: Options, mode: str) -> Call:
    cfg = Config(twins.cfg.to_dict())
    found: dict[str, Any] = {'det_model': 'whole_image'}
    given = {'bboxes': list(film.boxes)}
    if options.detector:
        found = {'det_model': options.detector, 'det_weights': options.detector_checkpoint}
        given = {}
    inferencer = PoseInferencer(cfg, weights, device=options.device, optimize=mode, **found)
    return lambda: _poses(inferencer(film.path, **given))


class _Given:
    """Stands in for MMPose's detector, which its inferencer asks frame by frame."""

    def __init__(self, boxes: np.ndarray) -> None:
        self._boxes, self._calls = boxes, 0

    def __call__(self, *_: Any, **__: Any) -> dict[str, list[DetDataSample]]:
        boxes = torch.from_numpy(self._boxes[self._calls % len(self._boxes)])
        self._calls += 1
        scores = torch.linspace(1, 0.9, len(boxes))  # falling: suppression keeps their order
        labels = torch.zeros(len(boxes), dtype=torch.long)
        sample = DetDataSample()
        sample.pred_instances = InstanceData(bboxes=boxes, scores=scores, labels=labels)
        return {'predictions': [sample]}


def _poses(results: Any) -> list[np.ndarray]:
    """Keypoints (P, K, 2) of each frame, in the order of the people."""
    frames = [result['predictions'][0] for result in results]
    return [np.array([person['keypoints'] for person in frame]) for frame in frames]

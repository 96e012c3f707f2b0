"""A whole test run: loading, crops, network, flip test, decoding, metric."""

from __future__ import annotations

import gc
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_ext.benchmark.contest import Call, Contest
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.rendered import first_people, render
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.timing_table import add_timings, timing_columns
from hrnet_ext.benchmark.twin_runs import MMPOSE, TwinRuns
from hrnet_ext.benchmark.twins import Twins

MOST_ROUNDS = 3  # a run of W32 on 500 people takes minutes
FEW = 4  # people, to warm up
NOTE = (
    'Runner.test(): annotations, images, crops, network on crops and mirrored crops, decoding, '
    'metric; optimizing and compiling are included'
)
RANDOM_WEIGHTS = 'weights are random: no AP to speak of; --checkpoint gives trained ones'
PICTURES = 0.75  # at most, for each of the people: easy pictures hold one or two


def run(options: Options, report: Report, stage: Stage) -> None:
    """A table; in place of a check before there are AP and the keypoints themselves."""
    folder = render(stage, num_train=1, num_val=max(1, round(options.people * PICTURES)))
    annotations, num_people = first_people(folder, options.people)
    twins = Twins(options)
    runs = TwinRuns(
        twins, folder, annotations, work_dir=stage.folder / 'test', workers=options.workers
    )
    stage.say('warming up')
    few = TwinRuns(
        twins, folder, first_people(folder, FEW)[0], work_dir=stage.folder / 'few', workers=0
    )
    for name in (MMPOSE, 'ours, off'):  # what is imported and set up once is nobody's time
        few.runner(name).test()
    metrics: dict[str, dict[str, float]] = {}
    contest = _contest(options, runs, metrics, stage)
    extra = {
        'AP': lambda name: 100 * metrics[name]['coco/AP'],
        'keypoints off by, px': lambda name: _median_distance(runs, name),
    }
    height, width = twins.input_shape
    table = report.table(
        f'test: {options.config} {height}x{width}, {num_people} rendered people, flip test, '
        f'{options.workers} workers',
        *timing_columns('person', tuple(extra), MMPOSE),
    )
    table.notes += [NOTE] if options.checkpoint else [NOTE, RANDOM_WEIGHTS]
    finish = partial(add_timings, table, contest, items=num_people, baseline=MMPOSE, extra=extra)
    rounds = min(options.rounds, 1 if options.quick else MOST_ROUNDS)
    stage.run(contest, f'{num_people} people', finish=finish, warm_up=0, rounds=rounds)


def _contest(
    options: Options, runs: TwinRuns, metrics: dict[str, dict[str, float]], stage: Stage
) -> Contest:
    """Whole test runs; each takes a runner of its own, which is built before the clock starts."""
    line_up, runners = LineUp(), {}

    def build(name: str) -> Call:
        def call() -> None:
            metrics[name] = runners.pop(name).test()

        runners[name] = runs.runner(name)  # fails here if it cannot be built
        return call

    names = [MMPOSE, *[f'ours, {mode}' for mode in options.modes]]
    for name in names:
        line_up.enter(name, partial(build, name))
    contest = stage.contest(line_up, least_seconds=0)
    contest.prepare = {name: partial(_prepare, runs, runners, name) for name in names}
    return contest


def _prepare(runs: TwinRuns, runners: dict[str, Any], name: str) -> None:
    gc.collect()  # ends the last run's workers, for which the next one would wait
    if name not in runners:
        runners[name] = runs.runner(name)


def _median_distance(runs: TwinRuns, name: str) -> float | None:
    """From MMPose's keypoints to the nearest person's of the same image, in image pixels."""
    if name == MMPOSE or not runs.predictions(MMPOSE).exists():
        return None
    wanted, found = (_by_image(runs.predictions(each)) for each in (MMPOSE, name))
    distances = [
        np.linalg.norm(pose - found[image], axis=-1).mean(-1).min()
        for image, poses in wanted.items()
        for pose in poses
        if image in found
    ]
    return float(np.median(distances))


def _by_image(path: Path) -> dict[int, np.ndarray]:
    """Poses (N, K, 2) of each image."""
    poses: dict[int, list] = {}
    for result in json.loads(path.read_text()):
        triples = np.reshape(result['keypoints'], (-1, 3))
        poses.setdefault(result['image_id'], []).append(triples[:, :2])
    return {image: np.stack(each) for image, each in poses.items()}

"""A picture and boxes in, keypoints out: MMPose's eager model, ours, and exported files."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.dataset import Compose
from mmpose.apis import inference_topdown
from mmpose.apis.inference import dataset_meta_from_config

from hrnet_ext.apis.topdown_poses import TopdownPoses
from hrnet_ext.benchmark.contest import Call
from hrnet_ext.benchmark.engines import settled
from hrnet_ext.benchmark.film import make_film
from hrnet_ext.benchmark.line_up import LineUp
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.pixels import RANDOM_WEIGHTS, median_distance, pixels_allowed
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.timing_table import add_timings, timing_columns
from hrnet_ext.benchmark.twin_data import mmpose_pipeline
from hrnet_ext.benchmark.twins import Twins
from hrnet_ext.export.command import write
from hrnet_ext.export.formats import FORMATS
from hrnet_ext.export.model import describe
from hrnet_ext.export.real_crops import rendered_crops
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.inference import optimize

BASELINE = 'MMPose'
CALIBRATION_CROPS = {True: 8, False: 64}  # quick or not


@dataclass(frozen=True)
class Scene:
    """What everybody is given.

    Args:
        image: (H, W, 3) uint8 BGR.
        boxes: (N, 4) x1, y1, x2, y2.
    """

    image: np.ndarray
    boxes: np.ndarray


def run(options: Options, report: Report, stage: Stage) -> None:
    """A table for each batch size."""
    twins = Twins(options)
    twins.cfg.model.test_cfg.flip_test = False
    stage.say('making the picture')
    film = make_film(stage, 1)
    _, image = cv2.VideoCapture(film.path).read()
    files = _Files(twins, stage.folder / 'export', CALIBRATION_CROPS[options.quick])
    for batch in options.batch_sizes:
        scene = Scene(image, np.resize(film.boxes[0], (batch, 4)))
        _one_batch(twins, scene, files, (options, report, stage))


def _one_batch(twins: Twins, scene: Scene, files: _Files, where: tuple) -> None:
    options, report, stage = where
    batch = len(scene.boxes)
    stage.say(f'batch {batch}, exporting')
    line_up = LineUp()
    line_up.enter(BASELINE, partial(_mmposes, twins, scene))
    for mode in options.modes:
        tolerance = pixels_allowed(mode, options)
        line_up.enter(f'ours, {mode}', partial(_ours, twins, scene, mode), tolerance=tolerance)
    for name, build in files.sessions(torch.get_num_threads()).items():
        tolerance = pixels_allowed(name.split(', ')[1], options)
        line_up.enter(name, partial(_session, build, scene), tolerance=tolerance)
    stage.say(f'batch {batch}, comparing results')
    line_up.check(BASELINE, median_distance)
    contest = stage.contest(line_up)
    extra = {'keypoints off by, px': line_up.differences.get}
    height, width = twins.input_shape
    table = report.table(
        f'export: {options.config} {height}x{width}, a picture and {batch} boxes to keypoints',
        *timing_columns('person', tuple(extra), BASELINE),
    )
    table.notes.append(
        'cropping, network and decoding, no flip test; exported files through PoseSession, '
        'MMPose through inference_topdown; int8 was calibrated with rendered people'
    )
    if options.checkpoint is None:
        table.notes.append(RANDOM_WEIGHTS)
    table.notes += line_up.remarks
    finish = partial(add_timings, table, contest, items=batch, baseline=BASELINE, extra=extra)
    stage.run(contest, f'batch {batch}', finish=finish)


def _mmposes(twins: Twins, scene: Scene) -> Call:
    model = twins.mmposes()
    model.cfg = twins.cfg.copy()
    model.cfg.test_dataloader.dataset.pipeline = mmpose_pipeline(twins.cfg, 'test')
    model.dataset_meta = dataset_meta_from_config(twins.cfg, dataset_mode='test')

    def call() -> np.ndarray:
        samples = inference_topdown(model, scene.image, scene.boxes)
        return np.concatenate([sample.pred_instances.keypoints for sample in samples])

    return call


def _ours(twins: Twins, scene: Scene, mode: str) -> Call:
    model = optimize(twins.ours(), mode)
    pipeline = Compose(twins.cfg.test_dataloader.dataset.pipeline)
    meta = dataset_meta_from_config(twins.cfg, dataset_mode='test')
    poses = TopdownPoses(model, pipeline, meta, max_people=len(scene.boxes))
    return settled(lambda: poses.estimate(scene.image, scene.boxes)[0], len(scene.boxes))


def _session(build: Callable[[], PoseSession], scene: Scene) -> Call:
    session = build()
    return lambda: session(scene.image, scene.boxes)[0]


class _Files:
    """Exported files, each written when it is first asked for.

    Args:
        twins: The model.
        folder: Where they go.
        num_crops: Crops that int8 is calibrated with.
    """

    def __init__(self, twins: Twins, folder: Path, num_crops: int) -> None:
        self._twins, self._folder, self._num_crops = twins, folder, num_crops
        self._written: set[str] = set()  # not what is there: --scratch keeps other models' files
        folder.mkdir(parents=True, exist_ok=True)

    def sessions(self, num_threads: int) -> dict[str, Callable[[], PoseSession]]:
        """Functions that open the files in their runtimes, by the name of the contestant.

        Args:
            num_threads: Of the runtimes.
        """

        def opening(precision: str, provider: str, run_in: str) -> Callable[[], PoseSession]:
            def opened() -> PoseSession:
                path = self.path(precision)
                with warnings.catch_warnings():
                    warnings.simplefilter('error', RuntimeWarning)  # of a precision it lacks
                    return PoseSession(path, provider, precision=run_in, num_threads=num_threads)

            return opened

        return {
            'ONNX Runtime, fp32': opening('fp32', 'onnxruntime', 'fp32'),
            'ONNX Runtime, int8': opening('int8', 'onnxruntime', ''),
            'OpenVINO, fp32': opening('fp32', 'openvino', 'fp32'),
            'OpenVINO, bf16': opening('fp32', 'openvino', 'half'),
            'OpenVINO, int8': opening('int8', 'openvino', ''),
        }

    def path(self, precision: str) -> Path:
        """The ONNX file of a precision: ``'fp32'``, which OpenVINO runs in bf16, too, or int8."""
        path = self._folder / f'{precision}.onnx'
        if precision not in self._written:
            self._write(precision, path)
            self._written.add(precision)
        return path

    def _write(self, precision: str, path: Path) -> None:
        model = self._twins.ours().cpu()
        metadata = describe(
            self._twins.cfg, model, normalizes=True, flip_test=False, precision=precision
        )
        crops = rendered_crops(metadata, self._num_crops) if precision == 'int8' else None
        write(model, metadata, FORMATS['onnx'], path, crops)

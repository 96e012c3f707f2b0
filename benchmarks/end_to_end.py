"""From images to keypoints: a video through the inferencers, an image through exported files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.structures import InstanceData
from mmpose.apis import MMPoseInferencer, inference_topdown
from mmpose.apis.inference import dataset_meta_from_config

from benchmarks.bench import Bench
from benchmarks.comparison import MMPOSE, Call, as_arrays
from benchmarks.models import Models, settled
from benchmarks.samples import make_video
from hrnet_ext.acceleration import optimize
from hrnet_ext.apis import PoseInferencer
from hrnet_ext.export.exporter import write
from hrnet_ext.export.formats import FORMATS
from hrnet_ext.export.model import describe
from hrnet_ext.export.real_crops import rendered_crops
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.inference.topdown_poses import TopdownPoses
from hrnet_ext.tf32 import uses_tf32

PIXELS_OFF = {'off': 0.01, 'fp32': 0.1, 'bf16': 1.0, 'fp16': 1.0, 'int8': 4.0}
OFF_BY = 'keypoints off by, px'
RANDOM_WEIGHTS = 'weights are random: keypoints are compared in fp32 only'
NUM_FRAMES = {True: 2, False: 10}  # quick or not
CALIBRATION_CROPS = {True: 8, False: 64}
MOST_ROUNDS = 5  # of videos
# Entry -> precision of the file, runtime, and precision in which it computes
SESSIONS = {
    'ONNX Runtime, fp32': ('fp32', 'onnxruntime', 'fp32'),
    'ONNX Runtime, int8': ('int8', 'onnxruntime', ''),
    'OpenVINO, fp32': ('fp32', 'openvino', 'fp32'),
    'OpenVINO, bf16': ('fp32', 'openvino', 'bf16'),
    'OpenVINO, int8': ('int8', 'openvino', ''),
}
EXPORT_NOTE = (
    'cropping, network and decoding, no flip test; exported files through PoseSession, MMPose '
    'through inference_topdown; int8 was calibrated with rendered people'
)


def run_inferencer(bench: Bench) -> None:
    """A table of a video with ten persons a frame."""
    options = bench.options
    bench.say('inferencer: rendering the video')
    video, boxes = make_video(bench.folder, NUM_FRAMES[options.quick])
    models = Models.of(options)
    weights = str(bench.folder / 'pose.pth')
    torch.save({'state_dict': models.weights}, weights)
    settings = {'device': options.device, 'det_model': 'whole_image'}
    if options.detector:
        settings['det_model'] = options.detector
        settings['det_weights'] = options.detector_checkpoint
    num_found: dict[str, int] = {}

    def counted(name: str, build: Callable[[], Callable[[], Any]]) -> Call:
        infer = build()

        def call() -> list[np.ndarray]:
            frames = [result['predictions'][0] for result in infer()]
            num_found[name] = sum(map(len, frames))
            return [np.array([person['keypoints'] for person in frame]) for frame in frames]

        return call

    def theirs() -> Callable[[], Any]:
        cfg = Config(models.mmpose_cfg.to_dict())
        inferencer = MMPoseInferencer(cfg, weights, det_cat_ids=[0], **settings)
        if not options.detector:
            inferencer.inferencer.detector = GivenBoxes(boxes)
            inferencer.inferencer.det_cat_ids = (0,)
        return lambda: inferencer(video)

    def ours(mode: str) -> Callable[[], Any]:
        cfg = Config(models.cfg.to_dict())
        inferencer = PoseInferencer(cfg, weights, optimize=mode, **settings)
        given = {} if options.detector else {'bboxes': list(boxes)}
        return lambda: inferencer(video, **given)

    comparison = bench.comparison()
    comparison.add(MMPOSE, partial(counted, MMPOSE, theirs))
    for mode in options.modes:
        name, allowed = f'ours, {mode}', pixels_allowed(mode, bench)
        comparison.add(name, partial(counted, name, partial(ours, mode)), tolerance=allowed)
    found_by = f'boxes by {options.detector}' if options.detector else 'boxes given'
    bench.measure(
        comparison,
        f'inferencer: {options.config} {models}, flip test, video with {boxes.shape[1]} people a '
        f'frame, {found_by}',
        'frame', items=len(boxes), warm_up=0, rounds=min(options.rounds, MOST_ROUNDS),
        extra={'people found': lambda name: num_found[name] / len(boxes)},
        difference=median_distance, off_by=OFF_BY,
        notes=[] if options.checkpoint else [RANDOM_WEIGHTS],
    )  # fmt: skip


def run_export(bench: Bench) -> None:
    """A table for each batch size."""
    options = bench.options
    models = Models.of(options)
    models.cfg.model.test_cfg.flip_test = models.mmpose_cfg.model.test_cfg.flip_test = False
    meta = dataset_meta_from_config(models.cfg, dataset_mode='test')
    bench.say('export: rendering the image')
    video, frames = make_video(bench.folder, 1)
    _, image = cv2.VideoCapture(video).read()
    file = cache(partial(_write, bench, models))

    def theirs(boxes: np.ndarray) -> Call:
        model = models.mmpose()
        model.cfg, model.dataset_meta = models.mmpose_cfg, meta
        return lambda: np.concatenate(
            [each.pred_instances.keypoints for each in inference_topdown(model, image, boxes)]
        )

    def ours(mode: str, boxes: np.ndarray) -> Call:
        pipeline = Compose(models.cfg.test_dataloader.dataset.pipeline)
        model = optimize(models.ours(), mode)
        poses = TopdownPoses(model, pipeline, meta, max_people=len(boxes))
        return settled(lambda: poses.estimate(image, boxes)[0], boxes)

    def session(name: str, boxes: np.ndarray) -> Call:
        written_in, backend, precision = SESSIONS[name]
        path, threads = file(written_in), torch.get_num_threads()
        with warnings.catch_warnings():
            warnings.simplefilter('error', RuntimeWarning)  # the CPU does not have that precision
            opened = PoseSession(path, backend, precision=precision, num_threads=threads)
        return lambda: opened(image, boxes)[0]

    for batch in options.batch_sizes:
        title = f'export: {options.config} {models}, an image and {batch} boxes to keypoints'
        boxes = np.resize(frames[0], (batch, 4))
        bench.say(f'{title}: building')
        comparison = bench.comparison()
        comparison.add(MMPOSE, partial(theirs, boxes))
        for mode in options.modes:
            build, allowed = partial(ours, mode, boxes), pixels_allowed(mode, bench)
            comparison.add(f'ours, {mode}', build, tolerance=allowed)
        for name in SESSIONS:
            allowed = pixels_allowed(name.rpartition(', ')[2], bench)
            comparison.add(name, partial(session, name, boxes), tolerance=allowed)
        bench.measure(
            comparison, title, 'person', items=batch, difference=median_distance, off_by=OFF_BY,
            notes=[EXPORT_NOTE] if options.checkpoint else [EXPORT_NOTE, RANDOM_WEIGHTS],
        )  # fmt: skip


def _write(bench: Bench, models: Models, precision: str) -> Path:
    """The exported ONNX file, which OpenVINO reads, too."""
    path = bench.folder / f'{precision}.onnx'
    model, settings = models.ours().cpu(), {'normalizes': True, 'flip_test': False}
    metadata = describe(models.cfg, model, precision=precision, **settings)
    num_crops = CALIBRATION_CROPS[bench.options.quick]
    crops = rendered_crops(metadata, num_crops) if precision == 'int8' else None
    write(model, metadata, FORMATS['onnx'], path, crops)
    return path


class GivenBoxes:
    """Takes the place of MMPose's detector, which its inferencer calls frame by frame.

    Args:
        boxes: Of each frame, (F, N, 4).
    """

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


def pixels_allowed(mode: str, bench: Bench) -> float:
    """The largest allowed median distance of keypoints from MMPose's, in pixels.

    With random weights the maximum of a heatmap is noise, which only exact fp32 finds again.
    """
    precision = mode.partition('+')[0]
    is_exact = precision in ('off', 'fp32') and not uses_tf32(bench.options.device)
    return PIXELS_OFF[precision] if bench.options.checkpoint or is_exact else math.inf


def median_distance(found: object, wanted: object) -> float:
    """Of corresponding keypoints: arrays (N, K, 2), or sequences of them."""
    found, wanted = as_arrays(found), as_arrays(wanted)
    if [each.shape for each in found] != [each.shape for each in wanted]:
        raise ValueError(f'{sum(map(len, found))} persons, not {sum(map(len, wanted))}')
    distances = [np.linalg.norm(a - b, axis=-1).ravel() for a, b in zip(found, wanted)]
    return float(np.median(np.concatenate(distances)))

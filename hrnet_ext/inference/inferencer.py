"""MMPose's 2D inferencer with given boxes, batches over frames, tracking and atomic outputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmpose.apis.inferencers import Pose2DInferencer
from mmpose.datasets.transforms import LoadImage as MMPoseLoadImage
from mmpose.structures import PoseDataSample
from torch import nn

from hrnet_ext.acceleration import optimize as optimize_model
from hrnet_ext.acceleration.modes import check_mode
from hrnet_ext.datasets.transforms import LoadImage
from hrnet_ext.devices import choose_device
from hrnet_ext.export.estimator import ExportedPoseEstimator, refuse_optimizing
from hrnet_ext.inference.boxes import Boxes, BoxFinder, Found
from hrnet_ext.inference.detector import (
    WHOLE_IMAGE,
    PersonDetector,
    default_detector,
    make_detector,
)
from hrnet_ext.inference.frames import Source, read_ahead
from hrnet_ext.inference.model_choice import find_model
from hrnet_ext.inference.topdown_poses import (
    TopdownPoses,
    instances_of,
    tracked_sample,
    without_duplicates,
)
from hrnet_ext.inference.videos import open_source
from hrnet_ext.inference.viewer import Viewer, make_viewer
from hrnet_ext.models.input_channels import input_channels
from hrnet_ext.progress import progress_bar
from hrnet_ext.registry import INFERENCERS
from hrnet_ext.tracking import PoseTracker

Inputs = str | os.PathLike | np.ndarray | Sequence[str | np.ndarray]
MAX_PEOPLE = 64  # HRNet-W48 at 384x288 with flip test needs about 3.5 GB for these


@INFERENCERS.register_module()
class PoseInferencer(Pose2DInferencer):
    """Estimates the poses of persons in images and videos, with MMPose's interface.

    Differences from MMPose's ``Pose2DInferencer``: ``bboxes`` are used. All persons of
    ``batch_size`` frames go through the network in one batch. If no person is found, none is
    returned. Videos are decoded in a thread. Persons can be tracked. Output files are complete
    however the run ends.

    Args:
        model: The pose model: a config, its path, the name of a shipped config such as
            ``'hrnet_w32_coco'``, or the name of a model in MMPose's zoo. Only top-down models are
            supported. Alternatively, a file written by ``tools/export.py``.
        weights: Path or URL of the checkpoint. None uses the released weights of a shipped config
            or of the zoo. ``'random'`` leaves the network untrained. An exported file contains its
            weights.
        device: ``'cpu'``, ``'cuda:0'``, ...; None uses a GPU if there is one.
        scope: Registry scope of the model.
        det_model: The detector: a config of MMDetection, its path, the name of a shipped config or
            of a model in its zoo. ``'whole_image'`` treats each image as the box of one person.
            None uses MMPose's default detector, which is downloaded when it is first needed.
        det_weights: Path or URL of the detector's checkpoint.
        det_cat_ids: The detector's labels for persons; None uses the class named ``person``.
        show_progress: Whether to show a progress bar.
        max_people: Maximum number of crops in one forward pass, to limit memory.
        optimize: How the network runs, see :func:`hrnet_ext.optimize`. ``'fp32'`` (or True) changes
            heatmaps by less than 1e-4 of their maximum, ``'off'`` (or False) reproduces MMPose bit
            for bit, ``'bf16'`` and others are faster and less precise.

    Raises:
        FileNotFoundError: If a config or checkpoint does not exist.
        ValueError: If no weights are given and none were released, the model is not top-down, the
            detector has no class for persons, or the device cannot run the network in this mode.
    """

    chooses_weights: ClassVar[bool] = True  # see hrnet_ext.compat.inferencers
    preprocess_kwargs: ClassVar[set] = {'bboxes', 'bbox_thr', 'nms_thr', 'on_unreadable'}
    forward_kwargs: ClassVar[set] = {'merge_results', 'pose_based_nms', 'tracking'}
    visualize_kwargs: ClassVar[set] = Pose2DInferencer.visualize_kwargs | {
        'draw_score',
        'video_codec',
    }

    def __init__(
        self,
        model: str | os.PathLike | Config | ConfigDict | dict,
        weights: str | None = None,
        device: str | None = None,
        scope: str | None = 'mmpose',
        det_model: str | Config | None = None,
        det_weights: str | None = None,
        det_cat_ids: int | tuple[int, ...] | None = None,
        show_progress: bool = False,
        *,
        max_people: int = MAX_PEOPLE,
        optimize: str | bool = 'fp32',
    ) -> None:
        check_mode(optimize)
        device = choose_device(device)
        super().__init__(
            *find_model(model, weights), device, scope, det_model, det_weights, det_cat_ids,
            show_progress,
        )  # fmt: skip
        if self.cfg.data_mode != 'topdown':
            raise ValueError(
                f"data_mode should be 'topdown', but is {self.cfg.data_mode!r}; use MMPose's "
                'Pose2DInferencer for other models'
            )
        num_channels = input_channels(self.model)
        if num_channels > 3:
            raise ValueError(
                f'this model takes images of {num_channels} channels, but frames are BGR: export it'
                ' and run it in a PoseSession, or use tools/test.py'
            )
        if isinstance(self.model, ExportedPoseEstimator):
            refuse_optimizing(model, optimize)
        else:
            self.model = optimize_model(self.model, optimize)
        self._poses = TopdownPoses(
            self.model, self.pipeline, self.model.dataset_meta, max_people=max_people
        )
        first = self.pipeline.transforms[0]
        loads_bgr = isinstance(first, MMPoseLoadImage) and first.color_type == 'color'
        self._loader = first if loads_bgr else LoadImage()  # the pipeline itself converts to gray

    def _init_detector(
        self,
        det_model: str | Config | None = None,
        det_weights: str | None = None,
        det_cat_ids: int | tuple[int, ...] | None = None,
        device: str | None = None,
    ) -> None:
        """Build the requested detector; the default one is built when it is first needed."""
        self.detector = None
        self._needs_default = det_model is None
        self._device = device
        if det_model is not None and det_model not in WHOLE_IMAGE:
            self.detector = make_detector(det_model, det_weights, det_cat_ids, device=device)

    def _load_weights_to_model(
        self, model: nn.Module, checkpoint: dict | None, cfg: Config | None
    ) -> None:
        """Load weights and metadata; an exported file already contains both."""
        if not isinstance(model, ExportedPoseEstimator):
            super()._load_weights_to_model(model, checkpoint, cfg)

    def _init_collate(self, cfg: Config) -> Callable:
        """Not used, because batches consist of crops."""
        return pseudo_collate

    def __call__(
        self,
        inputs: Inputs,
        return_datasamples: bool = False,
        batch_size: int = 1,
        out_dir: str | None = None,
        **kwargs: Any,
    ) -> Iterator[dict]:
        """Estimate poses; arguments are checked immediately, the work starts with the first result.

        Args:
            inputs: Path or URL of an image or video, a folder of images, ``'webcam'`` or
                ``'webcam:NUMBER'``, a uint8 array (H, W, 3) BGR, (H, W) gray or (H, W, 4) BGRA, or
                a list of images.
            return_datasamples: Return MMPose's data samples instead of plain dicts.
            batch_size: Number of frames that go through detector and network at once.
            out_dir: Folder for ``visualizations`` and ``predictions``.
            **kwargs: MMPose's ``bbox_thr``, ``nms_thr`` (both 0.3 for detected boxes, none for
                given ones), ``merge_results``, ``pose_based_nms``, ``return_vis``, ``show``,
                ``wait_time``, ``draw_bbox``, ``radius``, ``thickness``, ``kpt_thr``,
                ``skeleton_style``, ``draw_heatmap``, ``black_background``, ``vis_out_dir``,
                ``pred_out_dir``. In addition:

                - ``bboxes``: the persons' boxes as lists, arrays or PyTorch tensors. For one image:
                  (N, 4) x1, y1, x2, y2, (N, 5) with scores, or one box. For several images or a
                  video: a list with the boxes of each image or frame, or a function of a
                  :class:`~hrnet_ext.inference.frames.Frame` (``index``, ``path``, ``image``). Each
                  box without a score gives one pose, in order, or an error. Boxes with scores that
                  contain no pixel of the image are left out with a warning.
                - ``on_unreadable``: ``function(path, error)``, called in another thread for each
                  image of a folder or list that cannot be read, for example ``{}.setdefault``.
                  Such images give no result, and the others are processed. Without it, the first
                  such image ends the run with an error. Hidden files in folders are not read.
                - ``tracking``: True, or a dict with arguments of
                  :class:`~hrnet_ext.tracking.PoseTracker`. The frames are then treated as a video,
                  and every person gets a ``track_id``. Poses are estimated frame by frame.
                - ``draw_score``: draw the score of each pose.
                - ``video_codec``: ``'h264'`` (default), ``'vp9'`` or ``'mpeg4'``.

        Returns:
            An iterator with ``dict(predictions=[persons], visualization=[drawing])`` for each
            frame. Persons are dicts with ``keypoints``, ``keypoint_scores``, ``bbox``,
            ``bbox_score`` and, if tracked, ``track_id``. The drawing (H, W, 3) is RGB and only
            there with ``return_vis``. Output files are finished when the iterator ends, is closed
            or is deleted.

        Raises:
            ValueError: If an argument or input is wrong.
            FileNotFoundError: If an input does not exist.
        """
        if out_dir is not None:
            kwargs.setdefault('vis_out_dir', f'{out_dir}/visualizations')
            kwargs.setdefault('pred_out_dir', f'{out_dir}/predictions')
        preprocess, forward, visualize, postprocess = self._dispatch_kwargs(**kwargs)
        self.update_model_visualizer_settings(**visualize)
        tracking = forward.pop('tracking', False)
        _check_arguments(batch_size, tracking, forward, visualize)
        source = open_source(inputs, self._load, preprocess.pop('on_unreadable', None))
        viewer = make_viewer(
            source,
            self.visualizer,
            pred_out_dir=postprocess.pop('pred_out_dir', ''),
            **visualize,
        )
        found = self.preprocess(source, batch_size, **preprocess)
        if tracking is not False:
            forward['tracker'] = self.make_tracker(**({} if tracking is True else tracking))
        as_samples = postprocess.get('return_datasample', return_datasamples)
        return self._run(source, found, viewer, (forward, visualize, as_samples))

    def _run(
        self,
        source: Source,
        found: Iterator[Found],
        viewer: Viewer,
        options: tuple[dict[str, Any], dict[str, Any], bool],
    ) -> Iterator[dict]:
        """Results frame by frame; files and cameras are closed however it ends."""
        forward, visualize, as_samples = options
        self.update_model_visualizer_settings(**visualize)  # another call may have changed them
        bar = progress_bar(source.length, 'frame', disable=not self.show_progress)
        with closing(source), viewer, closing(found), bar:
            batches = (zip(batch[0], self.forward(batch, **forward)) for batch in found)
            for frame, samples in chain.from_iterable(batches):
                is_merged = forward.get('merge_results', True)
                merged = samples[0] if is_merged else self._poses.merge(frame, samples)
                visualization = viewer(frame, merged)
                bar.update()
                yield self.postprocess(samples, visualization, as_samples)
                if viewer.is_stopped:
                    return

    def preprocess(
        self,
        inputs: Source,
        batch_size: int = 1,
        bboxes: Boxes | None = None,
        bbox_thr: float | None = None,
        nms_thr: float | None = None,
    ) -> Iterator[Found]:
        """Batches of frames, each frame with the boxes (N, 5) of its persons."""
        detector = self._detector() if bboxes is None else None
        find = BoxFinder(inputs, bboxes, detector, bbox_thr=bbox_thr, nms_thr=nms_thr)

        def batches() -> Iterator[Found]:
            with closing(read_ahead(inputs, 1 if inputs.is_live else 2 * batch_size)) as frames:
                yield from find.batches(frames, batch_size)

        return batches()

    def forward(
        self,
        inputs: Found,
        merge_results: bool = True,
        pose_based_nms: bool = False,
        tracker: PoseTracker | None = None,
    ) -> list[list[PoseDataSample]]:
        """The poses of each frame: one sample, or one for each person if not ``merge_results``."""
        frames, boxes = inputs
        if tracker is not None:
            found = [
                tracked_sample(frame, tracker.update(frame.image, of_frame))
                for frame, of_frame in zip(frames, boxes)
            ]
        else:
            people = self._poses(frames, boxes)
            if not merge_results:
                return people
            found = [self._poses.merge(frame, samples) for frame, samples in zip(frames, people)]
        return [[without_duplicates(sample) if pose_based_nms else sample] for sample in found]

    def estimate(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (N, K, 2) in image space and scores (N, K) of the persons in boxes (N, 4)."""
        return self._poses.estimate(image, boxes)

    def make_tracker(self, **options: Any) -> PoseTracker:
        """A tracker that estimates poses with this model.

        Args:
            **options: See :class:`~hrnet_ext.tracking.PoseTracker`.
        """
        return PoseTracker(self.estimate, sigmas=self.model.dataset_meta['sigmas'], **options)

    def postprocess(
        self,
        preds: list[PoseDataSample],
        visualization: list[np.ndarray] | None,
        return_datasamples: bool = False,
    ) -> dict:
        """The result of a frame."""
        predictions = preds if return_datasamples else [instances_of(sample) for sample in preds]
        return {'predictions': predictions, 'visualization': visualization}

    def update_model_visualizer_settings(self, **options: Any) -> None:
        """Apply the drawing arguments of a call; those of earlier calls are reset."""
        self.visualizer.set_dataset_meta(self.model.dataset_meta)
        super().update_model_visualizer_settings(**options)

    def _detector(self) -> PersonDetector | None:
        """The detector; the default one is built when it is first needed."""
        if self._needs_default:
            self.detector = default_detector(self.cfg, self._device)
            self._needs_default = False
        return self.detector

    def _load(self, path: str) -> np.ndarray:
        try:
            return self._loader.transform({'img_path': path})['img']
        except (OSError, ImportError) as error:
            hint = '; is the address right, and does the server answer?' if '://' in path else ''
            raise OSError(
                f'cannot read image `{path}`: {error.__cause__ or error}{hint}'
            ) from error


def _check_arguments(batch_size: int, tracking: Any, forward: dict, visualize: dict) -> None:
    if batch_size < 1:
        raise ValueError(f'batch_size should be at least 1, but is {batch_size}')
    if not isinstance(tracking, (bool, Mapping)):
        raise ValueError(f'tracking should be True or a dict of options, but is {tracking!r}')
    if tracking is False:
        return
    if not forward.get('merge_results', True) or visualize.get('draw_heatmap'):
        raise ValueError('tracking cannot be combined with merge_results=False or draw_heatmap')

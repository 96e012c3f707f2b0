"""The registered metric of PoseTrack18: AP, and MOTA if there are tracks."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.fileio import get_local_path
from mmengine.logging import MessageHub, MMLogger

from hrnet_ext.evaluation.coco_ground_truth import check_sigmas
from hrnet_ext.evaluation.metrics.collecting import group_by_image, with_finite_poses
from hrnet_ext.evaluation.metrics.posetrack_samples import (
    AP_NAMES,
    MMPOSE_NAMES,
    TRACK_NAMES,
    Sample,
    label,
    log_result,
    sample_of,
    values_of,
)
from hrnet_ext.evaluation.poses import Poses
from hrnet_ext.evaluation.posetrack.evaluate import evaluate_frames
from hrnet_ext.evaluation.posetrack.files import (
    check_replaceable,
    prediction_files,
    write_beside,
    write_sequences,
)
from hrnet_ext.evaluation.posetrack.selection import Selection
from hrnet_ext.evaluation.posetrack.truth import GroundTruth, read_truth
from hrnet_ext.formats.posetrack.keypoints import KEYPOINTS
from hrnet_ext.registry import METRICS
from hrnet_ext.writing import check_writable, write_json

WHAT = 'annotation file (val_evaluator.ann_file, or the ann_file of its dataloader)'


@METRICS.register_module()
class PoseTrackMetric(BaseMetric):
    """PoseTrack18's metrics in %, under ``posetrack18/AP``, ``posetrack18/Head AP`` and so on.

    If every prediction has a track id, also ``posetrack18/MOTA``, ``MOTP``, ``Precision`` and
    ``Recall``. The ids come from the predictions (``pred_instances.track_ids`` (N,)), from detected
    boxes or, with ground-truth boxes, from the annotations. In the last case the log says so and
    ``posetrack18/ground_truth_tracks`` is 1. If the data set used ground-truth boxes because its
    ``bbox_file`` does not exist, ``posetrack18/ground_truth_boxes`` is 1.

    With the defaults AP equals that of MMPose's ``PoseTrack18Metric`` with poseval: keypoints are
    ranked by their own score, the heatmap maximum; OKS-NMS uses COCO's sigmas and the ears, which
    PoseTrack does not evaluate; there is no score threshold. Low-score boxes and keypoints raise AP
    and lower MOTA: for MOTA, Xiao et al. drop boxes below 0.5 and keypoints below 0.4.

    The ground truth is read and checked once, when the loops are built. If the data set is a subset
    (``indices``), only its images are evaluated, and tracks consist of these frames.

    Args:
        ann_file: Ground truth: a split's merged file or a folder of PoseTrack18's files, one
            per video; that of the evaluated data set if None.
        strict_poseval: Whether to count as poseval does instead of by the definitions, see
            :func:`~hrnet_ext.evaluation.evaluate_posetrack`.
        format_only: Whether to write the predictions without evaluating them.
        outfile_prefix: 'a/b' writes the predictions to ``a/b/SEQUENCE.json`` and all values to
            ``a/b.metrics.json``.
        as_mmpose: Whether to use the names and paths of MMPose's ``PoseTrack18Metric``, for
            scripts that expect them: 'Shou AP', 'Elb AP', 'Wri AP' and 'Ankl AP' for the groups,
            and ``a/SEQUENCE.json`` for the predictions.
        collect_device: Where processes exchange their results, 'cpu' or 'gpu'.
        prefix: Prefix of the keys instead of 'posetrack18'.
        **selection: Which poses count and how they are ranked: score_mode, keypoint_score_thr,
            nms_mode, nms_thr, rescore, min_box_score, min_keypoint_score, see
            :class:`~hrnet_ext.evaluation.posetrack.selection.Selection`.

    Raises:
        FileNotFoundError: If the ground truth does not exist.
        ValueError: If a setting or the ground truth is invalid.
    """

    default_prefix = 'posetrack18'
    names = AP_NAMES  # plus TRACK_NAMES if the samples of the data set have track ids

    def __init__(
        self,
        ann_file: str | None = None,
        *,
        strict_poseval: bool = True,
        format_only: bool = False,
        outfile_prefix: str | None = None,
        as_mmpose: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        **selection,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.selection = Selection(**selection)
        if format_only and outfile_prefix is None:
            raise ValueError(
                'format_only=True writes the predictions, so it needs outfile_prefix; '
                "set it, such as test_evaluator.outfile_prefix='work_dirs/predictions'"
            )
        if outfile_prefix is not None:
            if not as_mmpose:
                check_replaceable(outfile_prefix)
            check_writable(Path(outfile_prefix).parent)
        self.ann_file = ann_file
        self.strict_poseval = strict_poseval
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        self.as_mmpose = as_mmpose
        self.names = self._named(AP_NAMES)
        self.truth: GroundTruth | None = None

    @property
    def dataset_meta(self) -> dict | None:
        """Metainfo of the evaluated data set."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        self._dataset_meta = dataset_meta
        check_sigmas(dataset_meta['sigmas'], dataset_meta['num_keypoints'])
        absent = sorted(set(KEYPOINTS) - set(_keypoint_names(dataset_meta)))
        if absent:
            raise ValueError(
                f'PoseTrack evaluates 15 keypoints, but the metainfo of the data set lacks '
                f'{", ".join(absent)}; use hrnet_ext.PoseTrack18Dataset'
            )
        with get_local_path(_ground_truth(self.ann_file, dataset_meta)) as path:
            self.truth = read_truth(path, WHAT, evaluated=not self.format_only)
        asked = dataset_meta.get('image_ids')
        if asked is not None:
            num = len(self.truth.image_ids)
            self.truth = self.truth.of_images(asked)
            MMLogger.get_current_instance().info(
                f'evaluated on {len(self.truth.image_ids):,} of {num:,} images, those that the '
                'data set selects (indices)'
            )
        if dataset_meta.get('tracks') and self.truth.tracked:
            self.names = self._named(AP_NAMES + TRACK_NAMES)

    def process(self, data_batch: Any, data_samples: list[dict]) -> None:
        """Collect the predictions of a batch."""
        samples = [sample_of(data_sample) for data_sample in data_samples]
        unknown = [each.image_id for each in samples if each.image_id not in self.truth.image_ids]
        if unknown:
            raise ValueError(
                f'image {unknown[0]} has predictions, but is not in the ground truth; '
                'val_evaluator.ann_file and the ann_file of its dataloader are from different data '
                'sets'
            )
        self.results.extend(samples)

    def compute_metrics(self, results: list[Sample]) -> dict[str, float]:
        """Evaluate the collected predictions; mark results that use ground truth."""
        tracked = self._is_tracked(results)
        people = {
            image_id: self._people(image_id, samples, tracked)
            for image_id, samples in group_by_image(with_finite_poses(results)).items()
        }
        names = _keypoint_names(self.dataset_meta)
        predictions = prediction_files(self.truth.images, people, names)
        if self.outfile_prefix is not None:
            write = write_beside if self.as_mmpose else write_sequences
            write(self.outfile_prefix, predictions)
        if self.format_only:
            MMLogger.get_current_instance().info(f'predictions are in {self.outfile_prefix}')
            return {}
        pairs = self.truth.pairs(predictions)
        result = evaluate_frames(pairs, self.strict_poseval)
        num_without = sum(
            gt.annotated and not len(pred.people) for each in pairs.values() for gt, pred in each
        )
        log_result(result, num_without)
        if self.outfile_prefix is not None:
            write_json(f'{self.outfile_prefix}.metrics.json', result, indent=2)
        from_annotations = self.dataset_meta.get('tracks') == 'annotations'
        values = label(
            values_of(result),
            self.dataset_meta.get('missing_bbox_file'),
            true_tracks=tracked and from_annotations and not any(s.is_tracked for s in results),
        )
        return dict(zip(self._named(values), values.values()))

    def _named(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names of values, or MMPose's names for them with ``as_mmpose``."""
        return tuple(MMPOSE_NAMES.get(name, name) if self.as_mmpose else name for name in names)

    def _is_tracked(self, samples: list[Sample]) -> bool:
        """Whether all predicted and all annotated persons have track ids."""
        num_tracked = sum(sample.track_ids is not None for sample in samples)
        if 0 < num_tracked < len(samples):
            MMLogger.get_current_instance().warning(
                f'{len(samples) - num_tracked} of {len(samples)} predictions have no track id: '
                'only AP is evaluated'
            )
        return 0 < num_tracked == len(samples) and self.truth.tracked

    def _people(self, image_id: int, samples: list[Sample], tracked: bool) -> list[dict]:
        """The evaluated persons of an image, as entries of ``annotations``."""
        poses = Poses.concatenate([sample.poses for sample in samples])
        track_ids = np.concatenate([each.track_ids for each in samples]) if tracked else None
        return self.selection.records(image_id, poses, track_ids, self.dataset_meta['sigmas'])


def _ground_truth(ann_file: str | None, dataset_meta: dict) -> str:
    """Path of the ground truth: as set, from our data set, or from MMPose's message hub."""
    announced = f'{dataset_meta["dataset_name"]}_ann_file'
    path = (
        ann_file
        or dataset_meta.get('ann_file')
        or MessageHub.get_current_instance().get_info(announced, None)
    )
    if not path:
        raise ValueError(
            'PoseTrackMetric does not know the ground truth: set val_evaluator.ann_file and '
            'test_evaluator.ann_file'
        )
    return path


def _keypoint_names(dataset_meta: dict) -> list[str]:
    names = dataset_meta['keypoint_id2name']
    return [names[index] for index in range(len(names))]

"""The registered metric of COCO keypoint AP."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from mmengine.evaluator import BaseMetric
from mmengine.logging import MessageHub, MMLogger

from hrnet_ext.evaluation.coco_ap import NAMES, choose_backend, coco_ap, format_values
from hrnet_ext.evaluation.coco_ground_truth import check_sigmas, ground_truth_of
from hrnet_ext.evaluation.metrics.coco_samples import (
    ANN_FILE,
    CocoSample,
    annotations_in,
    of_images,
    read_truth,
    results_of,
    sample_of,
)
from hrnet_ext.evaluation.metrics.collecting import group_by_image, with_finite_poses
from hrnet_ext.evaluation.poses import (
    NMS_MODES,
    SCORE_MODES,
    Poses,
    check_mode,
    pose_scores,
    suppress,
)
from hrnet_ext.registry import METRICS
from hrnet_ext.writing import check_writable, write_json


@METRICS.register_module()
class CocoMetric(BaseMetric):
    """COCO keypoint AP and AR by OKS, under the keys ``coco/AP``, ``coco/AP .5`` and so on.

    Scores poses, suppresses duplicates and evaluates as MMPose's metric of that name and as the
    official HRNet, with three differences from MMPose's. Results have no boxes, as in the official
    release; with boxes, AP (M) and AP (L) would use the area of the box instead of the extent of
    the keypoints. The annotations are checked before the first step. If the data set used
    ground-truth boxes because its ``bbox_file`` does not exist, the log says so beside the result
    and ``coco/ground_truth_boxes`` is 1.

    If the data set is a subset (``indices``, ``sample_interval``), only its images are evaluated,
    and the log says so. Only the categories that the data set uses count.

    With ``outfile_prefix='a/b'``, ``a/b.keypoints.json`` holds the predictions in COCO's result
    format and ``a/b.metrics.json`` the values.

    Args:
        ann_file: Ground truth; by default that of the evaluated data set or, if it has no file,
            the annotations in its samples.
        use_area: Divide by the annotated area in OKS; False for 0.53 of the box (CrowdPose, AIC).
        iou_type: 'keypoints'; for 'keypoints_crowd' use ``type='mmpose.CocoMetric'``.
        score_mode: 'bbox_keypoint', 'bbox', 'bbox_rle' or 'keypoint'; see
            :func:`hrnet_ext.evaluation.poses.pose_scores`.
        keypoint_score_thr: Keypoints must score higher to count in 'bbox_keypoint'.
        nms_mode: 'oks_nms', 'soft_oks_nms' or 'none'.
        nms_thr: Largest OKS of two poses that are kept; the width of the decay of 'soft_oks_nms'.
        format_only: Only write the predictions, without evaluation (test sets).
        pred_converter: None; for others use ``type='mmpose.CocoMetric'``.
        gt_converter: None; likewise.
        outfile_prefix: Path without extension to write to; nothing is written if None.
        collect_device: 'cpu' or 'gpu': where processes exchange their predictions.
        prefix: Prefix of the keys; 'coco' by default.
        backend: 'pycocotools', 'faster_coco_eval' (same values, faster) or 'auto', the latter if it
            is installed.

    Raises:
        FileNotFoundError: If ``ann_file`` does not exist.
        ValueError: If a setting is unknown or not supported; once the data set is known, if the
            ground truth has no usable areas or the sigmas do not fit.
    """

    default_prefix = 'coco'
    names = NAMES

    def __init__(
        self,
        ann_file: str | None = None,
        use_area: bool = True,
        iou_type: str = 'keypoints',
        score_mode: str = 'bbox_keypoint',
        keypoint_score_thr: float = 0.2,
        nms_mode: str = 'oks_nms',
        nms_thr: float = 0.9,
        format_only: bool = False,
        pred_converter: dict | None = None,
        gt_converter: dict | None = None,
        outfile_prefix: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        *,
        backend: str = 'auto',
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        _check_supported(iou_type, pred_converter=pred_converter, gt_converter=gt_converter)
        check_mode('score_mode', score_mode, SCORE_MODES)
        check_mode('nms_mode', nms_mode, NMS_MODES)
        if nms_mode == 'soft_oks_nms' and not nms_thr > 0:
            raise ValueError(f'nms_thr of soft_oks_nms should be positive, but is {nms_thr}')
        if ann_file is not None and '://' not in ann_file and not os.path.isfile(ann_file):
            raise FileNotFoundError(
                f'annotation file `{ann_file}` (val_evaluator.ann_file, test_evaluator.ann_file) '
                'does not exist; omit it to use that of the data set'
            )
        if format_only and not outfile_prefix:
            raise ValueError(
                'format_only=True only writes predictions, so it needs a path: set '
                'val_evaluator.outfile_prefix, test_evaluator.outfile_prefix'
            )
        if outfile_prefix:
            check_writable(Path(outfile_prefix).parent)
        if format_only:
            self.names = ()
        self.ann_file = ann_file
        self.use_area = use_area
        self.score_mode = score_mode
        self.keypoint_score_thr = keypoint_score_thr
        self.nms_mode = nms_mode
        self.nms_thr = nms_thr
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        self.backend = choose_backend(backend)
        self._ground_truth: dict | None = None

    @property
    def dataset_meta(self) -> dict | None:
        """Metainfo of the evaluated data set."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        self._dataset_meta = dataset_meta
        num_keypoints = dataset_meta['num_keypoints']
        check_sigmas(dataset_meta['sigmas'], num_keypoints)
        # MMPose's data sets store the path of their annotation file there.
        key = f'{dataset_meta.get("dataset_name")}_ann_file'
        path = self.ann_file or MessageHub.get_current_instance().get_info(key)
        self._ground_truth = None
        if path and not self.format_only:
            truth = read_truth(path, dataset_meta, use_area=self.use_area)
            self._ground_truth = of_images(truth, dataset_meta.get('image_ids'))
            self._num_listed = len(truth['images'])
            self._image_ids = {image['id'] for image in self._ground_truth['images']}

    def process(self, data_batch: Sequence[dict], data_samples: Sequence[dict]) -> None:
        """Keep the predictions of a batch.

        Args:
            data_batch: Not needed.
            data_samples: Data samples as dicts, with ``pred_instances`` in image space.

        Raises:
            ValueError: If one cannot be evaluated, or its image has no ground truth.
        """
        without_file = self._ground_truth is None and not self.format_only
        samples = [sample_of(each, with_annotations=without_file) for each in data_samples]
        if self._ground_truth:
            self._check_images({sample.image_id for sample in samples})
        self.results.extend(samples)

    def compute_metrics(self, results: list[CocoSample]) -> dict[str, float]:
        """Evaluate the predictions of all processes; only write them with ``format_only``.

        Returns:
            The values of ``names``, and 'ground_truth_boxes' if these replaced detected boxes.
        """
        images = group_by_image(with_finite_poses(results))
        predictions = [result for samples in images.values() for result in self._of_image(samples)]
        self._write('keypoints', predictions)
        if self.format_only:
            self._log(f'{len(predictions)} poses are in {self.outfile_prefix}.keypoints.json')
            return {}
        values = self._evaluate(predictions, results)
        self._write('metrics', values, indent=2)
        return values

    def _check_images(self, image_ids: set) -> None:
        unknown = image_ids - self._image_ids
        if unknown:
            raise ValueError(
                f'image {min(unknown)!r} was predicted, but is not in the {ANN_FILE}; it and the '
                'ann_file of the dataloader are from different data sets'
            )

    def _of_image(self, samples: list[CocoSample]) -> list[dict]:
        """COCO results of one image: scored, without duplicates, best first."""
        poses = Poses.concatenate([sample.poses for sample in samples])
        scores = pose_scores(poses, self.score_mode, self.keypoint_score_thr)
        sigmas = self.dataset_meta['sigmas']
        kept = suppress(poses, scores, self.nms_mode, self.nms_thr, sigmas=sigmas)
        return results_of(samples, poses, scores, kept)

    def _evaluate(self, predictions: list[dict], samples: list[CocoSample]) -> dict[str, float]:
        truth = self._ground_truth or self._truth_in_samples(samples)
        if not predictions:
            self._log('no person was predicted in any image, so AP is 0', logging.WARNING)
        values = coco_ap(truth, predictions, self.dataset_meta['sigmas'], backend=self.backend)
        num_images = len({result['image_id'] for result in predictions})
        self._log(
            f'{len(predictions)} poses in {num_images} of {len(truth["images"])} images, '
            f'evaluated by {self.backend}:\n{format_values(values)}'
        )
        if self._ground_truth and len(truth['images']) < self._num_listed:
            self._log(
                f'AP {values["AP"]:.3f} is for the {len(truth["images"]):,} images that the data '
                f'set selects (indices, sample_interval), not for all {self._num_listed:,}',
                logging.WARNING,
            )
        absent = self.dataset_meta.get('missing_bbox_file')
        if not absent:
            return values
        self._log(
            f'AP {values["AP"]:.3f} is on GROUND-TRUTH BOXES, because `{absent}` does not exist; '
            'it is not comparable with results on detected boxes.',
            logging.WARNING,
        )
        return {**values, 'ground_truth_boxes': 1.0}

    def _truth_in_samples(self, samples: list[CocoSample]) -> dict:
        """The ground truth from the annotations in the samples."""
        content = annotations_in(samples)
        self._write('gt', content)
        num_keypoints = self.dataset_meta['num_keypoints']
        return ground_truth_of(content, num_keypoints, use_area=self.use_area)

    def _write(self, what: str, content: object, *, indent: int | None = None) -> None:
        if self.outfile_prefix:
            write_json(f'{self.outfile_prefix}.{what}.json', content, indent=indent)

    @staticmethod
    def _log(message: str, level: int = logging.INFO) -> None:
        MMLogger.get_current_instance().log(level, message)


def _check_supported(iou_type: str, **converters: dict | None) -> None:
    """Reject settings that only MMPose's metric supports."""
    given = [name for name, converter in converters.items() if converter is not None]
    if iou_type == 'keypoints' and not given:
        return
    what = f'iou_type={iou_type!r}' if iou_type != 'keypoints' else given[0]
    raise ValueError(
        f"hrnet_ext.CocoMetric does not support {what}; MMPose's own metric does: "
        "val_evaluator.type='mmpose.CocoMetric' test_evaluator.type='mmpose.CocoMetric'"
    )

"""COCO keypoint AP, registered."""

import os

import numpy as np
from mmengine.logging import MMLogger
from mmpose.evaluation.metrics import CocoMetric as MMPoseCocoMetric

from hrnet_ext.registry import METRICS


def check_sigmas(sigmas: np.ndarray, num_keypoints: int) -> None:
    """Check OKS sigmas (K,).

    Raises:
        ValueError: If their number is not ``num_keypoints`` or one is not positive.
    """
    if len(sigmas) != num_keypoints:
        raise ValueError(
            f'metainfo.sigmas has {len(sigmas)} values for {num_keypoints} keypoints; '
            "give one per keypoint in the data set's metainfo"
        )
    if not np.all(np.asarray(sigmas) > 0):
        raise ValueError(f'metainfo.sigmas should be positive, but are {list(map(float, sigmas))}')


def check_people(people: list[dict], num_keypoints: int, *, need_area: bool = True) -> None:
    """Check what OKS needs of every annotated person.

    Args:
        people: COCO annotations that count in the evaluation.
        num_keypoints: K; an annotation holds 3 K numbers.
        need_area: Whether OKS takes the annotated area rather than 0.53 of the box.

    Raises:
        ValueError: If a person's keypoints are too few or too many or the area is not positive.
    """
    for person in people:
        found = len(person['keypoints'])
        if found != 3 * num_keypoints:
            raise ValueError(
                f'annotation {person["id"]} has {found} keypoint values, but {num_keypoints} '
                f'keypoints need {3 * num_keypoints} (x, y, visibility)'
            )
        if need_area and not person.get('area', 0) > 0:
            raise ValueError(
                f'annotation {person["id"]} has no positive area, which OKS divides by (it is '
                f"{person.get('area')!r}); add each person's area to the annotation file, or set "
                'val_evaluator.use_area=False test_evaluator.use_area=False to use 0.53 of the box'
            )


def _counts(annotation: dict) -> bool:
    """Whether an annotation is a person to be found, as pycocotools sees it."""
    visible = any(annotation.get('keypoints', ())[2::3])
    return visible and not annotation.get('iscrowd')


@METRICS.register_module()
class CocoMetric(MMPoseCocoMetric):
    """COCO keypoint AP and AR by OKS, under the keys ``coco/AP``, ``coco/AP .5`` and so on.

    MMPose's metric with three differences. Results are handed to the evaluator without boxes, as
    in the paper's release: with them, AP (M) and AP (L) would sort predictions by the area of the
    box instead of the keypoints' extent. What the evaluation needs of the annotations is checked
    before the first step. And where the data set had to use ground-truth boxes for want of its
    ``bbox_file``, the log says so beside the result and ``coco/ground_truth_boxes`` is 1.

    Args:
        ann_file: Ground truth; that of the evaluated data set if None.
        **options: As :class:`mmpose.evaluation.metrics.CocoMetric`.

    Raises:
        FileNotFoundError: If ``ann_file`` does not exist.
        ValueError: If the ground truth has no usable areas or the sigmas do not fit.
    """

    names = (
        'AP', 'AP .5', 'AP .75', 'AP (M)', 'AP (L)', 'AR', 'AR .5', 'AR .75', 'AR (M)', 'AR (L)'
    )  # fmt: skip

    def __init__(self, ann_file: str | None = None, **options) -> None:
        if ann_file is not None and '://' not in ann_file and not os.path.isfile(ann_file):
            raise FileNotFoundError(
                f'annotation file `{ann_file}` (val_evaluator.ann_file, test_evaluator.ann_file) '
                'does not exist; leave it out to use that of the data set'
            )
        super().__init__(ann_file=ann_file, **options)

    @property
    def dataset_meta(self) -> dict | None:
        """What the evaluated data set says of itself."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        MMPoseCocoMetric.dataset_meta.fset(self, dataset_meta)
        check_sigmas(dataset_meta['sigmas'], dataset_meta['num_keypoints'])
        if self.coco is not None:
            people = [ann for ann in self.coco.dataset.get('annotations', []) if _counts(ann)]
            check_people(people, dataset_meta['num_keypoints'], need_area=self.use_area)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Evaluate the collected predictions and label the outcome."""
        values = super().compute_metrics(results)
        absent = self.dataset_meta.get('missing_bbox_file')
        if not values or not absent:
            return values
        MMLogger.get_current_instance().warning(
            f'AP {values["AP"]:.3f} is on GROUND-TRUTH BOXES, because `{absent}` does not exist; '
            'it does not compare with results on detected boxes.'
        )
        return {**values, 'ground_truth_boxes': 1.0}

    def results2json(self, keypoints: dict[int, list], outfile_prefix: str) -> str:
        """Write the predictions in COCO's result format, without their boxes."""
        without_boxes = {
            image_id: [{k: v for k, v in person.items() if k != 'bbox'} for person in people]
            for image_id, people in keypoints.items()
        }
        return super().results2json(without_boxes, outfile_prefix)

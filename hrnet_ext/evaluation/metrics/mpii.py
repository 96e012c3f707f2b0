"""The registered metric of MPII's PCKh.

Legend: keypoints are (16, 2) in image space, 0-based pixels, for predictions and ground truth.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from hrnet_ext.evaluation.metrics.collecting import DIVERGED, poses_of
from hrnet_ext.evaluation.pckh import (
    MEASURES,
    MPII_KEYPOINTS,
    Measure,
    format_scores,
    head_segments,
    keypoint_scores,
    mpii_scores,
)
from hrnet_ext.registry import METRICS
from hrnet_ext.writing import write_json

FAR = 1e9  # pixels; coordinates of a predicted keypoint that is not finite


def check_measurable(dataset_meta: Mapping, normalize_by: str) -> None:
    """Check that a data set has the annotations that the metric needs.

    Args:
        dataset_meta: The metainfo of a :class:`hrnet_ext.datasets.body.MpiiDataset`.
        normalize_by: 'head_box' or 'head_segment'.

    Raises:
        ValueError: If it does not; the message lists the alternatives.
    """
    if not dataset_meta['has_keypoints']:
        raise ValueError(
            'no person in the evaluated annotation file has an annotated keypoint (a test set?), '
            'so there is nothing to evaluate; write predictions instead: '
            'test_evaluator.format_only=True test_evaluator.outfile_prefix=FOLDER/NAME'
        )
    if normalize_by == 'head_box' and not dataset_meta['has_head_boxes']:
        absent = dataset_meta.get('missing_headbox_file')
        tried = f', and the head-box file `{absent}` does not exist' if absent else ''
        raise ValueError(
            f'PCKh needs head boxes, but the evaluated annotation file has none{tried}. Either '
            "set the path of the release's mpii_gt_val.mat (val_dataloader.dataset.headbox_file="
            'FILE, also for test_dataloader); or convert the annotations with head boxes (python '
            'tools/convert_mpii.py annotations --help); or normalize by the head keypoints, which '
            'is not PCKh and has another name (val_evaluator.normalize_by=head_segment, also for '
            'test_evaluator, default_hooks.checkpoint.save_best=mpii/PCKn@0.5)'
        )


@METRICS.register_module()
class MpiiMetric(BaseMetric):
    """MPII's PCKh, in %, under the keys ``mpii/PCKh@0.5``, ``mpii/Head`` and so on.

    ``PCKh@0.5`` and the groups are those of the official evaluation. ``PCKh@0.1`` uses exactly
    0.1, as in MMPose. The official release prints the value at 0.11 as Mean@0.1; here its name says
    so. Pelvis and thorax do not count, but are in the file of all values.

    Only annotated keypoints count, also those outside their images, as in the official evaluation;
    a warning gives their number. Predicted keypoints that are not finite count as wrong, with a
    warning. With ``normalize_by='head_segment'``, for data without head boxes, distances are
    divided by the distance from head top to upper neck. That is not PCKh: the keys are
    ``mpii/PCKn@0.5``, ``mpii/Head PCKn`` and so on, and only persons with both keypoints count.

    Args:
        normalize_by: 'head_box' (0.6 x its diagonal) or 'head_segment'.
        outfile_prefix: ``a/b`` writes ``a/b.predictions.json``, a list of persons with id, image,
            image_index and rectangle as in the annotation file and keypoints (16 x [x, y, score],
            0-based), the input of ``tools/convert_mpii.py submission``; and ``a/b.metrics.json``.
        format_only: Only write predictions, without evaluation.
        collect_device: 'cpu' or 'gpu': where processes exchange their results.
        prefix: Prefix of the keys instead of ``mpii``.

    Raises:
        ValueError: Before the first step, if the data set lacks the needed annotations.
    """

    default_prefix = 'mpii'
    names = MEASURES['head_box'].names

    def __init__(
        self,
        normalize_by: str = 'head_box',
        *,
        outfile_prefix: str | None = None,
        format_only: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if normalize_by not in MEASURES:
            raise ValueError(
                f'normalize_by (val_evaluator, test_evaluator) is {normalize_by!r}, but should be '
                f'one of {", ".join(MEASURES)}'
            )
        if format_only and not outfile_prefix:
            raise ValueError(
                'format_only writes predictions, so it needs a path: test_evaluator.outfile_prefix='
                'FOLDER/NAME'
            )
        self.normalize_by = normalize_by
        self.outfile_prefix = outfile_prefix
        self.format_only = format_only
        self.names = () if format_only else self._measure.names

    @property
    def _measure(self) -> Measure:
        return MEASURES[self.normalize_by]

    @property
    def dataset_meta(self) -> dict | None:
        """Metainfo of the evaluated data set."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        BaseMetric.dataset_meta.fset(self, dataset_meta)
        if 'has_head_boxes' not in dataset_meta:
            raise ValueError(
                'MpiiMetric compares with the 0-based keypoints of hrnet_ext.MpiiDataset, but the '
                f'evaluated data set ({dataset_meta.get("dataset_name")!r}) is of another type; '
                "MMPose's keypoints are 1-based: set its type to hrnet_ext.MpiiDataset"
            )
        if not self.format_only:
            check_measurable(dataset_meta, self.normalize_by)
        if dataset_meta.get('image_ids') is not None:
            MMLogger.get_current_instance().info(
                f'evaluated on the persons of {len(dataset_meta["image_ids"]):,} images, those '
                'that the data set selects (indices)'
            )

    def process(self, data_batch: Sequence[dict], data_samples: Sequence[dict]) -> None:
        """Keep the prediction and the ground truth of each sample.

        Raises:
            ValueError: If a sample is not one person.
        """
        for sample in data_samples:
            poses, truth = poses_of(sample), sample['gt_instances']
            if len(poses) != 1:
                raise ValueError(
                    f'sample {sample["id"]} has {len(poses)} predicted persons, but MPII is '
                    "evaluated person by person; set the data set's data_mode='topdown'"
                )
            visible = np.asarray(truth['keypoints_visible'])
            self.results.append(
                {
                    'identity': sample['raw_ann_info'],
                    'keypoints': poses.keypoints[0],
                    'scores': poses.keypoint_scores[0],
                    'truth': np.asarray(truth['keypoints'])[0],
                    # some transforms append a weight to the visibility
                    'visible': (visible[..., 0] if visible.ndim == 3 else visible)[0],
                    'image_size': sample.get('ori_shape', (np.inf, np.inf))[1::-1],
                    'head_size': np.ravel(truth.get('head_size', np.nan))[0],
                }
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Write and evaluate the collected predictions.

        Args:
            results: Results of all processes; may contain persons twice.
        """
        unique = {result['identity']['id']: result for result in results}
        results = [unique[number] for number in sorted(unique)]
        logger = MMLogger.get_current_instance()
        if self.outfile_prefix:
            path = f'{self.outfile_prefix}.predictions.json'
            write_json(path, [_as_json(result) for result in results])
            logger.info(f'Predictions of {len(results)} persons are in {path}')
        return {} if self.format_only else self._measured(results, logger)

    def _measured(self, results: list[dict], logger: MMLogger) -> dict[str, float]:
        pred, gt, visible, sizes = (
            np.stack([result[key] for result in results])
            for key in ('keypoints', 'truth', 'visible', 'head_size')
        )
        if self.normalize_by == 'head_segment':
            sizes = head_segments(gt, visible)
        pred = _finite(pred, results, logger)
        _count_outside(gt, visible, results, logger)
        counted = sizes > 0
        arrays = [array[counted] for array in (pred, gt, visible, sizes)]
        values = mpii_scores(*arrays, self._measure)
        left_out = (
            f' ({(~counted).sum()} without a head segment ignored)' if not counted.all() else ''
        )
        logger.info(
            f'{next(iter(self.names))} and its parts, in %, of {counted.sum()} persons{left_out}:\n'
            f'{format_scores(values, self._measure)}'
        )
        if self.outfile_prefix:
            table = keypoint_scores(*arrays, self._measure)
            content = {
                'num_people': int(counted.sum()),
                'values': values,
                'keypoints': table,
            }
            write_json(f'{self.outfile_prefix}.metrics.json', content, indent=2)
        return values


def _finite(pred: np.ndarray, results: list[dict], logger: MMLogger) -> np.ndarray:
    """Predictions (N, 16, 2), with ``FAR`` in place of coordinates that are not finite."""
    odd = ~np.isfinite(pred).all(axis=2)
    if not odd.any():
        return pred
    people = np.flatnonzero(odd.any(axis=1))
    what = (
        f'{len(people):,} of {len(pred):,} persons have a predicted keypoint that is not finite '
        f'(NaN?), the first is {_name(results[people[0]])}'
    )
    if odd.all():
        raise ValueError(f'{what}; {DIVERGED}')
    logger.warning(f'{what}; such keypoints count as wrong')
    return np.where(odd[..., None], FAR, pred)


def _count_outside(
    gt: np.ndarray, visible: np.ndarray, results: list[dict], logger: MMLogger
) -> None:
    """Warn about annotated keypoints outside their images."""
    sizes = np.array([result['image_size'] for result in results])[:, None]
    outside = ((gt < -0.5) | (gt > sizes - 0.5)).any(axis=2) & (visible != 0)
    if outside.any():
        person, keypoint = np.argwhere(outside)[0]
        logger.warning(
            f'{outside.sum():,} of {(visible != 0).sum():,} annotated keypoints are outside '
            f'their images, the first is {MPII_KEYPOINTS[keypoint]} at '
            f'{gt[person, keypoint].tolist()} (0-based) of {_name(results[person])}; they count, '
            'as in the official evaluation: set their joints_vis to 0 to ignore them'
        )


def _name(result: dict) -> str:
    identity = result['identity']
    return f'person {identity["id"]} ({identity.get("image")})'


def _as_json(result: dict) -> dict:
    identity = {k: v for k, v in result['identity'].items() if k != 'single_person'}
    keypoints = np.column_stack([result['keypoints'], result['scores']])
    return {**identity, 'keypoints': keypoints.astype(float).round(4).tolist()}

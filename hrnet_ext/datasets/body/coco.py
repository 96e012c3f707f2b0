"""COCO people for top-down pose estimation, with everything checked before the first step.

Legend: N samples; K keypoints; boxes (x1, y1, x2, y2) and keypoints in image space.
"""

import logging

from mmengine.fileio import exists, load
from mmengine.logging import print_log
from mmpose.datasets.datasets.body import CocoDataset as MMPoseCocoDataset

from hrnet_ext.datasets.body.coco_files import check_annotations, check_detections
from hrnet_ext.datasets.body.coco_keypoints import coco_metainfo
from hrnet_ext.datasets.body.config_keys import ConfigKeys, find_file
from hrnet_ext.datasets.body.files import check_images
from hrnet_ext.datasets.body.sample_reader import SampleReader
from hrnet_ext.registry import DATASETS

COCO_SOURCE = 'download COCO 2017 from https://cocodataset.org/#download'
READING_ERRORS = (ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError)


@DATASETS.register_module()
class CocoDataset(SampleReader, MMPoseCocoDataset):
    """MMPose's COCO data set, which says early and clearly what is wrong with its files.

    Annotations, detections and the presence of every image are checked when the data set is built.
    A missing ``bbox_file`` is not an error: ground-truth boxes take its place with a warning, and
    ``metainfo['missing_bbox_file']`` lets the metric label its result.

    Args:
        ann_file: COCO annotation file, relative to ``data_root``.
        bbox_file: Detected boxes for testing, relative to ``data_root`` or, as in MMPose, to the
            working directory.
        data_root: Folder of annotations and images.
        test_mode: True for validation and testing.
        how_to_get: What to do where files are missing; shown in the error.
        **options: As :class:`mmpose.datasets.datasets.body.CocoDataset`.

    Raises:
        FileNotFoundError: If the annotation file or an image is missing.
        ValueError: If a file is not what it should be, or holds nobody with keypoints.
    """

    METAINFO: dict = coco_metainfo()

    def __init__(
        self,
        ann_file: str = '',
        bbox_file: str | None = None,
        *,
        data_root: str | None = None,
        test_mode: bool = False,
        how_to_get: str = COCO_SOURCE,
        **options,
    ) -> None:
        self._keys = ConfigKeys(test_mode, how_to_get)
        found = find_file(bbox_file, data_root) if bbox_file else None
        super().__init__(
            ann_file=ann_file,
            bbox_file=found,
            data_root=data_root,
            test_mode=test_mode,
            **options,
        )
        if bbox_file and not found:
            self._metainfo['missing_bbox_file'] = bbox_file
            print_log(
                f'NO DETECTED BOXES: `{bbox_file}` ({self._keys.of("bbox_file")}) does not exist. '
                'Ground-truth boxes are used instead: AP comes out higher (about 2 points on '
                'COCO, more on PoseTrack18) and does not compare with published numbers.',
                logger='current',
                level=logging.WARNING,
            )

    def load_data_list(self) -> list[dict]:
        """N samples, each one person (or image, in bottom-up mode), all of them usable."""
        what = f'annotation file ({self._keys.of("ann_file")})'
        if not self.ann_file or not exists(self.ann_file):
            raise FileNotFoundError(f'{what} `{self.ann_file}` does not exist: {self._keys.cure}')
        try:
            samples = super().load_data_list()
        except READING_ERRORS:
            self._explain(what)
            raise
        if not samples:
            self._explain(what)
            raise ValueError(f'{what} `{self.ann_file}` {self._nobody()}')
        paths = {sample['img_path'] for sample in samples}
        check_images(paths, self._keys.of('data_prefix.img'), self._keys.cure)
        return samples

    def filter_data(self) -> list[dict]:
        """The samples that ``filter_cfg`` leaves."""
        kept = super().filter_data()
        if self.data_list and not kept:
            best = max(float(sample['bbox_score'][0]) for sample in self.data_list)
            raise ValueError(
                f'none of the {len(self.data_list)} boxes of `{self.bbox_file or self.ann_file}` '
                f'is left by filter_cfg {dict(self.filter_cfg)} ({self._keys.of("filter_cfg")}); '
                f'their highest score is {best:.3g}'
            )
        return kept

    def parse_data_info(self, raw_data_info: dict) -> dict | None:
        """One person of the annotation file; None without a box or keypoints."""
        annotation = raw_data_info['raw_ann_info']
        num_keypoints = self._metainfo['num_keypoints']
        length = len(annotation.get('keypoints', ())) or 3 * num_keypoints
        if length != 3 * num_keypoints:
            raise ValueError(
                f'annotation file ({self._keys.of("ann_file")}) `{self.ann_file}`: annotation '
                f'{annotation["id"]} has {length} keypoint values, but {num_keypoints} keypoints '
                f'need {3 * num_keypoints} (x, y, visibility); correct it or the metainfo'
            )
        return super().parse_data_info(raw_data_info)

    def _explain(self, what: str) -> None:
        """Raise the reason why the files could not be read, if they are at fault."""
        check_annotations(self.ann_file, what)
        if self.bbox_file:
            images = load(self.ann_file)['images']
            boxes = f'box file ({self._keys.of("bbox_file")})'
            check_detections(self.bbox_file, {image['id'] for image in images}, boxes)

    def _nobody(self) -> str:
        if self.bbox_file:
            return f'is fine, but the box file `{self.bbox_file}` holds nobody (category_id 1)'
        return (
            'holds nobody with a box and at least one labelled keypoint; COCO keeps keypoints in '
            'person_keypoints_*.json, not in instances_*.json'
        )

"""PoseTrack18 persons for top-down pose estimation, with their tracks.

Legend: N samples; K keypoints; boxes (x, y, w, h) in files and (x1, y1, x2, y2) in samples, like
keypoints in image space.
"""

import numpy as np

from hrnet_ext.datasets.body.coco import CocoDataset
from hrnet_ext.datasets.body.posetrack18_files import (
    MERGE,
    check_keypoint_names,
    check_layout,
    check_track_ids,
)
from hrnet_ext.datasets.body.posetrack18_keypoints import posetrack18_metainfo
from hrnet_ext.formats.coco import CocoContent
from hrnet_ext.formats.files import Tally
from hrnet_ext.formats.keypoint_box import keypoint_box
from hrnet_ext.registry import DATASETS

POSETRACK18_SOURCE = (
    f"get PoseTrack18's annotations and images (posetrack.net) and merge each split's: {MERGE}"
)
BOX_SOURCES = ('keypoints', 'annotation')


@DATASETS.register_module()
class PoseTrack18Dataset(CocoDataset):
    """PoseTrack18 (Andriluka et al., CVPR 2018) from a split's merged annotation file.

    Boxes are those of Sun et al., 4.3: around the labeled keypoints, extended by 15 % in width
    and in height. (The ``bbox`` of PoseTrack18's files is extended by 30 %.) Persons without a
    labeled keypoint are left out; for persons with a single one, see
    :func:`~hrnet_ext.formats.keypoint_box.keypoint_box`.

    For testing, samples carry the ``track_id`` of their annotation or detected box in
    ``raw_ann_info``, which ``PackPoseInputs`` packs. The metainfo then holds what the metric needs:
    ``ann_file``, and ``tracks``, the source of these IDs ('annotations' or 'boxes') if every person
    has one.

    Args:
        ann_file: A split's annotation file, relative to ``data_root``, as
            ``tools/convert_posetrack.py merge`` writes it.
        bbox_file: Detected boxes for testing, as for :class:`CocoDataset`; a box may have a
            ``track_id``. ``filter_cfg=dict(bbox_score_thr=0.4)`` leaves out lower scores.
        box_from: Boxes of annotated persons: 'keypoints' as above, or 'annotation', the ``bbox`` of
            the file.
        how_to_get: How to get missing files; shown in the error.
        **options: As :class:`CocoDataset`.

    Raises:
        FileNotFoundError: If the annotation file or an image is missing.
        ValueError: If a file is invalid, or has no person with keypoints.
    """

    METAINFO: dict = posetrack18_metainfo()

    def __init__(
        self,
        ann_file: str = '',
        bbox_file: str | None = None,
        *,
        box_from: str = 'keypoints',
        how_to_get: str = POSETRACK18_SOURCE,
        **options,
    ) -> None:
        if box_from not in BOX_SOURCES:
            raise ValueError(f'box_from should be one of {BOX_SOURCES}, but is {box_from!r}')
        self.box_from = box_from
        super().__init__(ann_file, bbox_file, how_to_get=how_to_get, **options)

    def load_data_list(self) -> list[dict]:
        """N samples, each one person (or image, in bottom-up mode), all of them usable."""
        samples = super().load_data_list()
        names = self._metainfo['keypoint_id2name']
        check_keypoint_names(
            self._metainfo['CLASSES'],
            [names[index] for index in range(len(names))],
            self._where,
        )
        if self.test_mode:
            self._metainfo['ann_file'] = self.ann_file
            self._metainfo['tracks'] = self._track_source(samples)
        return samples

    def _box_of(self, annotation: dict) -> list[float] | None:
        """The box (x, y, w, h) of a person; None if there is none."""
        keypoints = annotation.get('keypoints')
        if self.box_from == 'annotation' or not keypoints:
            return super()._box_of(annotation)
        return keypoint_box(np.reshape(keypoints, (-1, 3)), annotation.get('bbox_head'))

    def _load_detection_results(self) -> list[dict]:
        """Samples of detected boxes, with the boxes' track IDs if they have any."""
        samples = super()._load_detection_results()
        people, self._boxes = self._boxes, []
        return [
            {**sample, 'raw_ann_info': {'track_id': box['track_id']}}
            if 'track_id' in box
            else sample
            for sample, box in zip(samples, people)
        ]

    def _detected(self, content: CocoContent) -> list[dict]:
        self._boxes = super()._detected(content)
        check_track_ids(self._boxes, f'box file ({self._keys.of("bbox_file")}) `{self.bbox_file}`')
        return self._boxes

    def _track_source(self, samples: list[dict]) -> str | None:
        """The source of the samples' track IDs; None unless all samples have one."""
        if self.data_mode != 'topdown':
            return None
        ids = [sample.get('raw_ann_info', {}).get('track_id') for sample in samples]
        return None if None in ids else 'boxes' if self.bbox_file else 'annotations'

    def _check_layout(self, content: object) -> None:
        check_layout(content, self._where)

    def _no_person(self, tally: Tally) -> str:
        reasons = f' ({tally.with_firsts()})' if tally.counts else ''
        return (
            f'has no person with a labeled keypoint{reasons}; frames of a test split, which are '
            'not annotated, need detected boxes (bbox_file)'
        )

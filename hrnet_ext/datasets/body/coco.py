"""COCO persons for top-down pose estimation, with all files checked before the first step.

Legend: N samples; K keypoints; boxes (x1, y1, x2, y2) and keypoints in image space.
"""

import logging
import os.path as osp

import numpy as np
from mmengine.fileio import exists
from mmengine.logging import print_log
from mmpose.datasets.datasets.body import CocoDataset as MMPoseCocoDataset

from hrnet_ext.datasets.body.coco_keypoints import coco_metainfo
from hrnet_ext.datasets.body.coco_samples import (
    annotated_sample,
    category_of,
    detected_sample,
    far_boxes,
    summary,
    unusual_reasons,
)
from hrnet_ext.datasets.body.sample_reader import ConfigKeys, SampleReader, find_file
from hrnet_ext.formats.boxes import check_boxes, size_of
from hrnet_ext.formats.coco import CocoContent, check_coco
from hrnet_ext.formats.coco_keypoints import (
    NO_BOX,
    NO_KEYPOINTS,
    left_out,
)
from hrnet_ext.formats.files import Tally, check_images, read_json
from hrnet_ext.formats.keypoint_box import keypoint_box
from hrnet_ext.registry import DATASETS

COCO_SOURCE = 'download COCO 2017 from https://cocodataset.org/#download'
BOX_FIELDS = ('image_id', 'category_id', 'bbox', 'score')
NO_NUMBERS = [np.nan] * 4  # in place of a box


@DATASETS.register_module()
class CocoDataset(SampleReader, MMPoseCocoDataset):
    """MMPose's COCO data set with early and clear errors for invalid files.

    Annotations, detections and the presence of every image are checked when the data set is built
    (:func:`hrnet_ext.formats.coco.check_coco`): keypoints are finite numbers whose visibility is 0,
    1 or 2, IDs are unique integers or strings, keypoints have the metainfo's order. One log line
    gives the number of persons and why others were left out. Besides MMPose's fields, samples have
    ``img_shape``, the annotated (h, w), with which ``hrnet_ext.LoadImage`` compares the decoded
    image, and samples of detected boxes have a ``category_id``.

    A missing ``bbox_file`` is not an error: ground-truth boxes take its place with a warning, and
    ``metainfo['missing_bbox_file']`` lets the metric label its result.

    Args:
        ann_file: COCO annotation file, relative to ``data_root``.
        bbox_file: Detected boxes for testing, relative to ``data_root`` or, as in MMPose, to the
            working directory.
        data_root: Folder of annotations and images.
        test_mode: True for validation and testing.
        how_to_get: How to get missing files; shown in the error.
        category: Name of the category to use if the file has several; by default the one
            with the name of the metainfo's ``dataset_name``, else 'person', else all.
        boxes_from_keypoints: For annotations without ``bbox``: use the box around their labeled
            keypoints, times this factor in width and height, such as 1.25; None leaves them out.
        **options: As :class:`mmpose.datasets.datasets.body.CocoDataset`.

    Raises:
        FileNotFoundError: If the annotation file or an image is missing.
        ValueError: If a file is invalid, or has no person with keypoints.
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
        category: str | None = None,
        boxes_from_keypoints: float | None = None,
        **options,
    ) -> None:
        self._keys = ConfigKeys(test_mode, how_to_get)
        if boxes_from_keypoints is not None and not boxes_from_keypoints >= 1:
            raise ValueError(
                f'{self._keys.of("boxes_from_keypoints")} should be a factor of 1 or more, such as '
                f'1.25, but is {boxes_from_keypoints!r}'
            )
        self.category, self.boxes_from_keypoints = category, boxes_from_keypoints
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
                'COCO, more on PoseTrack18) and is not comparable with published numbers.',
                logger='current',
                level=logging.WARNING,
            )

    def load_data_list(self) -> list[dict]:
        """N samples, each one person (or image, in bottom-up mode), all of them usable."""
        if not self.ann_file or not exists(self.ann_file):
            raise FileNotFoundError(f'{self._where} does not exist: {self._keys.cure}')
        samples = super().load_data_list()
        for sample in samples:
            sample['img_shape'] = self._shapes[sample['img_id']]
        del self._shapes
        paths = {sample['img_path'] for sample in samples}
        check_images(paths, self._keys.of('data_prefix.img'), self._keys.cure)
        return samples

    def filter_data(self) -> list[dict]:
        """The samples that ``filter_cfg`` keeps."""
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
        annotation, image = raw_data_info['raw_ann_info'], raw_data_info['raw_img_info']
        box = self._box_of(annotation)
        if box is None or not annotation.get('keypoints'):
            return None
        return annotated_sample(annotation, image, box)

    def _box_of(self, annotation: dict) -> list[float] | None:
        """The box (x, y, w, h) of a person; None if there is none."""
        box = annotation.get('bbox')
        if box is not None or not self.boxes_from_keypoints or not annotation.get('keypoints'):
            return box
        triples = np.reshape(annotation['keypoints'], (-1, 3))
        return keypoint_box(triples, extension=self.boxes_from_keypoints - 1)

    def _read(self) -> CocoContent:
        """Read and check the annotation file; store the chosen category in the metainfo."""
        names = self._metainfo['keypoint_id2name']
        read = read_json(self.ann_file, f'annotation file ({self._keys.of("ann_file")})')
        self._check_layout(read)
        content = check_coco(
            read,
            self._where,
            keypoints=[names[index] for index in range(len(names))],
            category=self.category,
            dataset_name=self._metainfo['dataset_name'],
            annotated=not self._takes_images,
        )
        for remark in content.remarks:
            self._warn(remark)
        self._shapes = {one['id']: (one['height'], one['width']) for one in content.images}
        self._metainfo['CLASSES'] = content.categories
        if self.boxes_from_keypoints:
            self._metainfo['boxes_from_keypoints'] = self.boxes_from_keypoints
        return content

    def _check_layout(self, content: object) -> None:
        """Overridden by subclasses that report file layouts of their own."""

    def _load_annotations(self) -> tuple[list[dict], list[dict]]:
        """Persons and images of the annotation file; in top-down mode, persons to be cropped."""
        content = self._read()
        asked = self._asked_images([image['id'] for image in content.images])
        images = {
            image['id']: {
                **image,
                'img_id': image['id'],
                'img_path': osp.join(self.data_prefix['img'], image['file_name']),
            }
            for image in content.images
            if image['id'] in asked
        }
        by_image: dict = {number: [] for number in images}
        for annotation in content.people:
            if annotation['image_id'] in images:
                by_image[annotation['image_id']].append(annotation)
        people = [annotation for annotations in by_image.values() for annotation in annotations]
        kept = self._usable(people, images, content)
        if self.data_mode == 'topdown':
            people = kept
        pairs = ({'raw_ann_info': p, 'raw_img_info': images[p['image_id']]} for p in people)
        samples = [sample for pair in pairs if (sample := self.parse_data_info(pair))]
        return samples, list(images.values())

    def _usable(self, people: list[dict], images: dict, content: CocoContent) -> list[dict]:
        """The persons that can be cropped; logs their number and why others are left out.

        Raises:
            ValueError: If there is none.
        """
        tally = content.left_out
        boxes = [self._box_of(person) or NO_NUMBERS for person in people]
        sizes = [(images[p['image_id']]['width'], images[p['image_id']]['height']) for p in people]
        boxes = np.array(boxes, np.float64).reshape(-1, 4)
        sizes = np.array(sizes, np.float64).reshape(-1, 2)
        far = far_boxes(people, boxes, sizes)
        if far:
            self._warn(far)
        reasons = left_out(people, boxes, sizes)
        for reason in dict.fromkeys(filter(None, reasons)):
            tally.add(reason, (p['id'] for p, why in zip(people, reasons) if why == reason))
        kept = [person for person, reason in zip(people, reasons) if reason is None]
        if not kept and not self._takes_images:
            raise ValueError(f'{self._where} {self._no_person(tally)}')
        print_log(f'`{self.ann_file}`: {summary(kept, content)}', logger='current')
        unusual = unusual_reasons(content)
        if unusual:
            self._warn(
                f'annotations that cannot be used: {tally.with_firsts(unusual)}'
                f'{self._cure_for(tally)}'
            )
        return kept

    def _warn(self, message: str) -> None:
        print_log(f'{self._where}: {message}', logger='current', level=logging.WARNING)

    def _load_detection_results(self) -> list[dict]:
        """N samples of detected boxes; their keypoints are set to 0."""
        content = self._read()
        images = {image['id']: image for image in content.images}
        people = self._detected(content)
        category = people[0]['category_id']
        if len(content.categories) == 1:
            category = content.categories[0]['id']
        num_keypoints = self._metainfo['num_keypoints']
        return [
            {
                **detected_sample(each, num_keypoints, category),
                'img_path': osp.join(
                    self.data_prefix['img'], images[each['image_id']]['file_name']
                ),
                'id': index,
            }
            for index, each in enumerate(people)
        ]

    def _detected(self, content: CocoContent) -> list[dict]:
        """The persons of the box file, checked; logs their number and what is left out."""
        what = f'box file ({self._keys.of("bbox_file")})'
        sizes = {image['id']: size_of(image) for image in content.images}
        boxes, tally = check_boxes(
            read_json(self.bbox_file, what), f'{what} `{self.bbox_file}`', sizes, fields=BOX_FIELDS
        )
        category = category_of(boxes, content)
        people = [each for each in boxes if each['category_id'] == category]
        if not people:
            raise ValueError(
                f'{what} `{self.bbox_file}` has no person (category_id {category}) among its '
                f'{len(boxes):,} boxes'
            )
        unsound = tally.with_firsts(noun='image')
        if unsound:
            print_log(
                f'{what} `{self.bbox_file}` has boxes that cannot be used: {unsound}',
                logger='current',
                level=logging.WARNING,
            )
        others = (each['image_id'] for each in boxes if each['category_id'] != category)
        tally.add('of other categories', others)
        rest = f'; left out: {tally}' if tally.counts else ''
        print_log(
            f'`{self.bbox_file}`: {len(people):,} boxes in '
            f'{len({each["image_id"] for each in people}):,} of {len(sizes):,} images{rest}',
            logger='current',
        )
        return people

    def _get_topdown_data_infos(self, instance_list: list[dict]) -> list[dict]:
        """The persons unchanged: those that MMPose would leave out here are already removed."""
        return instance_list

    def _asked_images(self, ids: list) -> set:
        """The IDs of the images that ``sample_interval`` selects, by ID as in MMPose."""
        if self.sample_interval == 1:
            return set(ids)
        if any(isinstance(one, str) for one in ids):
            raise ValueError(
                f'{self._keys.of("sample_interval")} counts by image id, but those of '
                f'`{self.ann_file}` are strings, such as {ids[0]!r}; leave it out, or use `indices`'
            )
        asked = [one for one in ids if one % self.sample_interval == 0]
        if self.test_mode:
            self._metainfo['image_ids'] = asked
        return set(asked)

    @property
    def _takes_images(self) -> bool:
        """Whether samples are also made of images without annotated persons."""
        return bool(self.bbox_file) or (self.test_mode and self.data_mode == 'bottomup')

    @property
    def _where(self) -> str:
        """The annotation file, as messages name it."""
        return f'annotation file ({self._keys.of("ann_file")}) `{self.ann_file}`'

    def _no_person(self, tally: Tally) -> str:
        """The error text for a file without a usable person, with the cure."""
        reasons = f' ({tally.with_firsts()})' if tally.counts else ''
        return f'has no person with a box and at least one labeled keypoint{reasons}' + (
            self._cure_for(tally)
        )

    def _cure_for(self, tally: Tally) -> str:
        cures = ''
        if NO_BOX in tally.counts:
            cures += (
                f'; {self._keys.of("boxes_from_keypoints")}=1.25 uses the box around the labeled '
                'keypoints, enlarged by 25 %, for annotations without a box'
            )
        if NO_KEYPOINTS in tally.counts:
            cures += '; COCO keeps keypoints in person_keypoints_*.json, not in instances_*.json'
        return cures

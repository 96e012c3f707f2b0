"""MPII's persons for top-down pose estimation, with all files checked before the first step.

Legend: N persons; keypoints (N, 16, 2), centers (N, 2) and boxes (x1, y1, x2, y2) are 0-based
pixels of image space; a person's scale is the height / 200 pixels.
"""

import logging
import os.path as osp
from itertools import compress

import numpy as np
from mmengine.fileio import exists
from mmengine.logging import print_log
from mmpose.datasets.datasets import BaseCocoStyleDataset

from hrnet_ext.datasets.body.mpii_files import People, read_people
from hrnet_ext.datasets.body.mpii_head_boxes import check_head_boxes, read_head_boxes
from hrnet_ext.datasets.body.mpii_keypoints import mpii_metainfo
from hrnet_ext.datasets.body.sample_reader import ConfigKeys, SampleReader, find_file
from hrnet_ext.formats.files import Tally, check_images, counted
from hrnet_ext.formats.mpii import KEYPOINTS as MPII_KEYPOINTS
from hrnet_ext.formats.mpii import head_sizes
from hrnet_ext.registry import DATASETS

MPII_SOURCE = (
    'download images and annotations from http://human-pose.mpi-inf.mpg.de and convert the '
    'latter (python tools/convert_mpii.py annotations --help)'
)
PIXELS_PER_SCALE = 200.0
# The annotated center is at the chest. The official release moves it down by 15 pixels for a person
# of 200 pixels, so that crops include the feet.
CENTER_SHIFT = 15.0
AREA_SHARE = 0.53  # share of the box that replaces a missing area; as in MMPose


@DATASETS.register_module()
class MpiiDataset(SampleReader, BaseCocoStyleDataset):
    """MPII's single persons, given by position and size, with all coordinates 0-based.

    Samples equal those of MMPose's data set of this name, except for a bug: MMPose moves boxes
    to 0-based pixels but leaves the keypoints 1-based. Reads the release's JSON files and those of
    ``tools/convert_mpii.py`` (:mod:`hrnet_ext.datasets.body.mpii_files`).

    A joint is annotated if its ``joints_vis`` is 1, at any position. It is used in training if it
    is inside the crop, and it counts in the evaluation, as in the official release and in MMPose.
    A warning counts annotated joints to the left of or above their image, because (0, 0) and
    (-1, -1) there usually mark unknown joints; if they are the majority, it is an error. (The
    metric counts those to the right and below.) One log line gives the number of persons and of
    those left out.

    For testing, ``head_size`` comes from the annotations' head boxes or else from
    ``headbox_file``; ``metainfo['has_head_boxes']``, ``metainfo['missing_headbox_file']`` and
    ``metainfo['has_keypoints']`` tell the metric, before the first step, what it can measure. With
    ``test_mode`` no person is left out, not even those without keypoints, as in the test set; in
    training, persons without a keypoint are left out.

    Args:
        ann_file: Annotation file, relative to ``data_root``.
        headbox_file: Head boxes for testing, relative to ``data_root`` or to the working directory:
            the release's ``mpii_gt_val.mat`` or JSON, see
            :func:`hrnet_ext.datasets.body.mpii_head_boxes.read_head_boxes`. Not read if the
            annotations have head boxes.
        data_root: Folder of annotations and images.
        test_mode: True for validation and testing.
        how_to_get: How to get missing files; shown in the error.
        **options: As :class:`mmpose.datasets.datasets.BaseCocoStyleDataset`.

    Raises:
        FileNotFoundError: If a file or an image is missing.
        ValueError: If a file is invalid, or has no person to train with.
    """

    METAINFO: dict = mpii_metainfo()

    def __init__(
        self,
        ann_file: str = '',
        headbox_file: str | None = None,
        *,
        data_root: str | None = None,
        test_mode: bool = False,
        how_to_get: str = MPII_SOURCE,
        **options,
    ) -> None:
        self._keys = ConfigKeys(test_mode, how_to_get)
        if options.get('bbox_file'):
            raise ValueError(
                f'{self._keys.of("bbox_file")}: MPII is evaluated on people whose position and '
                'size are given; leave it out'
            )
        if headbox_file and not test_mode:
            raise ValueError(
                f'{self._keys.of("headbox_file")}: head boxes are for evaluation; leave it out'
            )
        self.headbox_file = headbox_file
        super().__init__(ann_file=ann_file, data_root=data_root, test_mode=test_mode, **options)

    def load_data_list(self) -> list[dict]:
        """N samples, each one person (or image, in bottom-up mode), all of them usable."""
        samples = super().load_data_list()
        if not samples:
            raise ValueError(
                f'{self._what} `{self.ann_file}` has no person with an annotated keypoint, which '
                "training needs; is it the test set's?"
            )
        paths = {sample['img_path'] for sample in samples}
        check_images(paths, self._keys.of('data_prefix.img'), self._keys.cure)
        return samples

    @property
    def _what(self) -> str:
        return f'annotation file ({self._keys.of("ann_file")})'

    def _load_annotations(self) -> tuple[list[dict], list[dict]]:
        """One dict per person and one per image, in the file's order."""
        if not self.ann_file or not exists(self.ann_file):
            raise FileNotFoundError(
                f'{self._what} `{self.ann_file}` does not exist: {self._keys.cure}'
            )
        people = read_people(self.ann_file, self._what)
        self._check_joints(people)
        self._summarize(people)
        paths = [osp.join(self.data_prefix['img'], image) for image in people.images]
        samples = _samples(people, paths)
        boxes = self._head_boxes(people) if self.test_mode else None
        self._metainfo['has_head_boxes'] = boxes is not None
        self._metainfo['has_keypoints'] = bool(people.visible.any())
        if boxes is not None:
            sizes = head_sizes(boxes).reshape(-1, 1, 1)
            samples = [{**sample, 'head_size': size} for sample, size in zip(samples, sizes)]
        images = {sample['img_id']: sample['img_path'] for sample in samples}
        return samples, [{'img_id': key, 'img_path': path} for key, path in images.items()]

    def _check_joints(self, people: People) -> None:
        """Warn of annotated joints outside the image, or raise an error if most are."""
        odd = people.visible & (people.keypoints < -0.5).any(axis=2)  # the first pixel's edge
        if not odd.any():
            return
        (person, joint), num = np.argwhere(odd)[0], odd.any(axis=1).sum()
        what = (
            f'{self._what} `{self.ann_file}`: {odd.sum():,} of {people.visible.sum():,} annotated '
            f'joints (joints_vis 1), of {counted(num, "person(s)")}, are to the left of or '
            f'above their image, where (0, 0) and (-1, -1) stand for unknown ones; the first is '
            f'the {MPII_KEYPOINTS[joint]} of people[{person}] ({people.images[person]}), at '
            f'{people.keypoints[person, joint].tolist()} (0-based)'
        )
        cure = 'set the joints_vis of unknown ones to 0'
        if 2 * odd.sum() > people.visible.sum():
            raise ValueError(f'{what}; {cure}')
        print_log(
            f'{what}; they count as annotated, as in the official evaluation: {cure}',
            logger='current',
            level=logging.WARNING,
        )

    def _summarize(self, people: People) -> None:
        """Log the number of persons, and of those left out."""
        annotated, tally = people.visible.any(axis=1), Tally()
        ids = (one['id'] for one, seen in zip(people.identities, annotated) if not seen)
        tally.add('without an annotated joint', ids)
        kept = np.ones(len(people), bool) if self.test_mode else annotated
        num_images, num_people = len(set(compress(people.images, kept))), int(kept.sum())
        rest = (
            f'{"; of these" if self.test_mode else "; left out:"} {tally}' if tally.counts else ''
        )
        print_log(
            f'`{self.ann_file}`: {counted(num_images, "image(s)")}, '
            f'{num_people:,} {"person" if num_people == 1 else "people"}{rest}',
            logger='current',
        )

    def _head_boxes(self, people: People) -> np.ndarray | None:
        """Boxes (N, 4) of positive size; None if there are none."""
        if people.head_boxes is not None:
            check_head_boxes(people.head_boxes, f'{self._what} `{self.ann_file}`')
            return people.head_boxes
        if not self.headbox_file:
            return None
        what = f'head-box file ({self._keys.of("headbox_file")})'
        path = find_file(self.headbox_file, self.data_root)
        if path is None:
            self._metainfo['missing_headbox_file'] = self.headbox_file
            return None
        boxes = read_head_boxes(path, what, people)
        check_head_boxes(boxes, f'{what} `{path}`')
        return boxes

    def _get_topdown_data_infos(self, instance_list: list[dict]) -> list[dict]:
        """The persons to use: all of them for testing."""
        if self.test_mode:
            return instance_list
        return super()._get_topdown_data_infos(instance_list)

    @staticmethod
    def _is_valid_instance(data_info: dict) -> bool:
        """Whether a person can be used for training."""
        return bool(data_info['keypoints_visible'].any())


def image_ids(images: list[str]) -> list[int]:
    """An ID per image: the number in its name, as in MMPose, or its position if a name has none."""
    stems = {image: image.split('.')[0] for image in images}
    numbers = {image: int(stem) for image, stem in stems.items() if stem.isdecimal()}
    if len(set(numbers.values())) != len(stems):
        numbers = {image: place for place, image in enumerate(stems)}
    return [numbers[image] for image in images]


def _samples(people: People, paths: list[str]) -> list[dict]:
    """The fields of MMPose's samples, person by person; the arrays are rows of common ones."""
    sizes = np.repeat(people.scales[:, None], 2, axis=1) * PIXELS_PER_SCALE
    centers = people.centers + [0, CENTER_SHIFT] * people.scales[:, None]
    boxes = np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=1)
    areas = np.maximum(sizes.prod(axis=1) * AREA_SHARE, 1)
    scores = np.ones(len(people), np.float32)
    arrays = {
        'bbox_center': centers,
        'bbox_scale': sizes,
        'bbox': boxes,
        'bbox_score': scores,
        'keypoints': people.keypoints,
        'area': areas,
    }
    rows = {name: array.astype(np.float32)[:, None] for name, array in arrays.items()}
    rows['keypoints_visible'] = people.visible.astype(np.int64)[:, None]
    rows['img_path'] = paths
    rows['img_id'] = image_ids(people.images)
    return [
        {
            'id': identity['id'],
            'category_id': [1],
            'raw_ann_info': identity,
            **dict(zip(rows, values)),
        }
        for identity, values in zip(people.identities, zip(*rows.values()))
    ]

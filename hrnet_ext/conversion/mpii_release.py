"""Read MPII's official annotations, mpii_human_pose_v1_u12_1.mat.

The file holds one struct, RELEASE, of M images. ``annolist`` has an image's name and its
rectangles, each a person; ``img_train`` is 0 for the test set; ``single_person`` lists the
rectangles of persons apart from others, which are used to evaluate single-person methods.

SciPy returns every struct as an array of records whose fields are arrays, so a number is (1, 1)
and an empty field is (0, 0); the fields of rectangles differ between images.
Positions are 1-based pixels as in the file, indices of images and rectangles are 0-based here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np

from hrnet_ext.formats.mat_files import read_mat

VERSION = '12'
SOURCE = (
    'download the annotations from http://human-pose.mpi-inf.mpg.de and give '
    'mpii_human_pose_v1_u12_1.mat'
)
FIELDS = ('annolist', 'img_train', 'single_person')
NUM_KEYPOINTS = 16
EMPTY = np.zeros((0, 0))
HEAD_BOX = ('x1', 'y1', 'x2', 'y2')


@dataclass(frozen=True)
class Rectangle:
    """One person of an image.

    Attributes:
        center: (x, y), None if unknown.
        scale: Height / 200 pixels, None if unknown.
        head_box: (x1, y1, x2, y2), None if there is none or it has no size.
        joints: (x, y) of the annotated keypoints by their number, 0 to 15.
    """

    center: tuple[float, float] | None
    scale: float | None
    head_box: tuple[float, ...] | None
    joints: dict[int, tuple[float, float]]

    @property
    def is_located(self) -> bool:
        """Whether position and size are given, as MPII's evaluation of single people needs."""
        return self.center is not None and self.scale is not None


@dataclass(frozen=True)
class Release:
    """The content of the file.

    Attributes:
        annolist: (M,) records of SciPy.
        is_train: (M,) bool.
        single_person: M sets of rectangles.
        version: The version in the file, '' if absent.
    """

    annolist: np.ndarray
    is_train: np.ndarray
    single_person: list[frozenset[int]]
    version: str

    @cached_property
    def names(self) -> list[str]:
        """The images' file names."""
        return [_text(_field(_first(record, 'image'), 'name')) for record in self.annolist]

    def rectangles(self, image: int) -> list[Rectangle]:
        """The persons of an image, usable or not, in the order of the file.

        Raises:
            ValueError: If a keypoint has a number other than 0 to 15.
        """
        try:
            return [_rectangle(record) for record in records(self.annolist[image], 'annorect')]
        except ValueError as error:
            raise ValueError(f'annolist({image + 1}), `{self.names[image]}`: {error}') from error


def read_release(path: str) -> Release:
    """Read the file; takes about half a minute.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is another file, damaged, or of MATLAB version 7.3.
    """
    what = 'MPII annotation file'
    release = read_mat(path, what, ('RELEASE',), SOURCE)['RELEASE']
    absent = [name for name in FIELDS if name not in (release.dtype.names or ())]
    if absent or release.size != 1:
        raise ValueError(
            f'{what} `{path}`: RELEASE should be a struct with {", ".join(FIELDS)}, but lacks '
            f'{", ".join(absent) or "a single element"}: {SOURCE}'
        )
    annolist, is_train, single = (release[name].flat[0].ravel() for name in FIELDS)
    lengths = [len(annolist), len(is_train), len(single)]
    if len(set(lengths)) != 1 or 'annorect' not in (annolist.dtype.names or ()):
        raise ValueError(
            f'{what} `{path}`: annolist, img_train and single_person should be of the same images, '
            f'but have {lengths} elements: {SOURCE}'
        )
    version = release['version'].flat[0] if 'version' in release.dtype.names else np.array('')
    return Release(
        annolist=annolist,
        is_train=is_train != 0,
        single_person=[_indices(value) for value in single],
        version=_text(version),
    )


def records(record: np.void, name: str) -> Sequence[np.void]:
    """The structs in a record's field; none if it is absent or empty."""
    value = _field(record, name)
    return value.ravel() if value.dtype.names else ()


def _rectangle(record: np.void) -> Rectangle:
    position = _first(record, 'objpos')
    center = _number(position, 'x'), _number(position, 'y')
    scale = _number(record, 'scale')
    box = tuple(_number(record, name) for name in HEAD_BOX)
    has_box = None not in box and box[:2] != box[2:]
    return Rectangle(
        center=None if None in center else center,
        scale=scale if scale is not None and scale > 0 else None,
        head_box=box if has_box else None,
        joints=_joints(_first(record, 'annopoints')),
    )


def _joints(annopoints: np.void | None) -> dict[int, tuple[float, float]]:
    joints: dict[int, tuple[float, float]] = {}
    for point in () if annopoints is None else records(annopoints, 'point'):
        number, x, y = (_number(point, name) for name in ('id', 'x', 'y'))
        if number not in range(NUM_KEYPOINTS):
            raise ValueError(f'a keypoint has the id {number}, but MPII has 0 to 15')
        if x is not None and y is not None:
            joints.setdefault(int(number), (x, y))  # the first, as in the evaluation's code
    return joints


def _first(record: np.void, name: str) -> np.void | None:
    found = records(record, name)
    return found[0] if len(found) else None


def _field(record: np.void | None, name: str) -> np.ndarray:
    """A field's value; empty if there is no record or no such field."""
    if record is None or name not in record.dtype.names:
        return EMPTY
    return record[name]


def _number(record: np.void | None, name: str) -> float | None:
    value = _field(record, name)
    number = value.item() if value.size == 1 else None
    return float(number) if isinstance(number, (int, float)) and isfinite(number) else None


def _text(value: np.ndarray) -> str:
    return str(value.flat[0]).strip() if value.size else ''


def _indices(value: np.ndarray) -> frozenset[int]:
    """MATLAB's indices, counted from 0."""
    return frozenset(int(index) - 1 for index in value.ravel())

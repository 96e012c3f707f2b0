"""MPII's annotation files: the release's JSON and our own format.

The release's file is a plain list of persons with 1-based joints and centers. Our own format
(``mpii_format``) is 0-based and may have head boxes and indices into the release's MATLAB file.

Legend: N persons. Keypoints (N, 16, 2), centers (N, 2) and boxes (N, 4) as (x1, y1, x2, y2) are
0-based pixels of image space for both formats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hrnet_ext.formats.files import read_json
from hrnet_ext.formats.mpii import FORMAT, VERSION
from hrnet_ext.formats.mpii import KEYPOINTS as MPII_KEYPOINTS
from hrnet_ext.reading import check_records

NUM_KEYPOINTS = len(MPII_KEYPOINTS)
RELEASE_ORIGIN = 1  # MATLAB's first pixel
UNKNOWN = -1.0  # coordinates of a joint that is not annotated
IDENTITY = ('id', 'image', 'image_index', 'rectangle', 'single_person')

# Shape and meaning of the fields of a person, and defaults for absent ones.
FIELDS = {
    'joints': ((NUM_KEYPOINTS, 2), "16 [x, y], one for each of MPII's keypoints"),
    'joints_vis': ((NUM_KEYPOINTS,), "16 of 0 or 1, one for each of MPII's keypoints"),
    'center': ((2,), '[x, y]'),
    'scale': ((), 'a number'),
    'head_box': ((4,), '[x1, y1, x2, y2]'),
}
DEFAULTS = {
    'joints': [[UNKNOWN, UNKNOWN]] * NUM_KEYPOINTS,
    'joints_vis': [0] * NUM_KEYPOINTS,
    'head_box': [0.0] * 4,
}


@dataclass(frozen=True)
class People:
    """Annotated persons in their file's order.

    Attributes:
        images: N names of image files.
        centers: (N, 2).
        scales: (N,) heights of the people / 200 pixels.
        keypoints: (N, 16, 2) in the order of ``MPII_KEYPOINTS``; -1 where not annotated.
        visible: (N, 16) bool, True where annotated, also for occluded keypoints.
        head_boxes: (N, 4), of size 0 for persons without one; None if no person has one.
        identities: N dicts: id, image and, where the file has them, image_index, rectangle and
            single_person.
    """

    images: list[str]
    centers: np.ndarray
    scales: np.ndarray
    keypoints: np.ndarray
    visible: np.ndarray
    head_boxes: np.ndarray | None
    identities: list[dict]

    def __len__(self) -> int:
        return len(self.images)


def read_people(path: str, what: str) -> People:
    """Read an annotation file of either format.

    Args:
        path: The file.
        what: Its role and config key, for messages.

    Raises:
        ValueError: If the file is invalid; names the first invalid person and field.
    """
    return parse_people(read_json(path, what), f'{what} `{path}`')


def parse_people(content: object, where: str) -> People:
    """The persons in a file's content; messages name the file as ``where``.

    Raises:
        ValueError: As :func:`read_people`.
    """
    people, origin = _people_and_origin(content, where)
    where = f'{where}: people'
    check_records(people, ('image', 'center', 'scale'), where)
    if not people:
        raise ValueError(f'{where} is empty')
    _check_images(people, where)
    keypoints, visible = _keypoints(people, where)
    scales = _numbers(people, 'scale', where)
    if not (scales > 0).all():
        index = np.flatnonzero(scales <= 0)[0]
        raise ValueError(
            f'{where}[{index}].scale is {scales[index]:g}, but should be positive, the height of '
            'the person / 200 pixels; leave out people whose size is unknown'
        )
    boxes = any('head_box' in person for person in people)
    return People(
        images=[person['image'] for person in people],
        centers=_numbers(people, 'center', where) - origin,
        scales=scales,
        keypoints=np.where(visible[..., None], keypoints - origin, UNKNOWN),
        visible=visible,
        head_boxes=_numbers(people, 'head_box', where) - origin if boxes else None,
        identities=_identities(people, where),
    )


def _people_and_origin(content: object, where: str) -> tuple[object, int]:
    """The list of persons and the coordinate of the first pixel."""
    if isinstance(content, list):
        return content, RELEASE_ORIGIN
    expected = (
        f"an MPII annotation file is the release's list of people or has `info.format` {FORMAT!r} "
        '(tools/convert_mpii.py writes it)'
    )
    if not isinstance(content, dict):
        raise ValueError(f'{where} holds a {type(content).__name__}, but {expected}')
    info = content.get('info')
    if not isinstance(info, dict) or info.get('format') != FORMAT:
        hint = " is in COCO's format" if {'images', 'annotations'} <= content.keys() else ''
        raise ValueError(f'{where}{hint or " is another kind of JSON"}, but {expected}')
    if info.get('version') != VERSION:
        raise ValueError(
            f'{where} has info.version {info.get("version")!r}, but this hrnet_ext reads '
            f'{VERSION}; write it again with tools/convert_mpii.py'
        )
    if 'people' not in content:
        raise ValueError(f'{where} lacks people')
    return content['people'], 0


def _keypoints(people: Sequence[Mapping], where: str) -> tuple[np.ndarray, np.ndarray]:
    """Joints (N, 16, 2) as in the file, and whether each is annotated (N, 16)."""
    for index, person in enumerate(people):
        if ('joints' in person) != ('joints_vis' in person):
            raise ValueError(f'{where}[{index}] has only one of joints and joints_vis; give both')
    visible = _numbers(people, 'joints_vis', where)
    odd = np.argwhere((visible != 0) & (visible != 1))
    if len(odd):
        index, keypoint = odd[0]
        raise ValueError(
            f'{where}[{index}].joints_vis[{keypoint}] ({MPII_KEYPOINTS[keypoint]}) is '
            f'{visible[index, keypoint]:g}, but should be 0 or 1'
        )
    return _numbers(people, 'joints', where), visible == 1


def _numbers(people: Sequence[Mapping], field: str, where: str) -> np.ndarray:
    """A field of all people as float64, (N, *shape of the field)."""
    shape, expected = FIELDS[field]
    values = [person.get(field, DEFAULTS.get(field)) for person in people]
    numbers = _as_numbers(values, (len(people), *shape))
    if numbers is not None:
        return numbers
    index = next(i for i, value in enumerate(values) if _as_numbers(value, shape) is None)
    value = values[index]
    odd_length = isinstance(value, list) and shape and len(value) != shape[0]
    found = f'has {len(value)}' if odd_length else f'is {value!r:.80}'
    raise ValueError(f'{where}[{index}].{field} should be {expected}, but {found}')


def _as_numbers(values: object, shape: tuple[int, ...]) -> np.ndarray | None:
    """Nested lists as float64; None if they have another shape or are not finite numbers."""
    try:
        numbers = np.array(values, np.float64)
    except (TypeError, ValueError):  # ragged, or not numbers
        return None
    return numbers if numbers.shape == shape and np.isfinite(numbers).all() else None


def _check_images(people: Sequence[Mapping], where: str) -> None:
    for index, person in enumerate(people):
        if not isinstance(person['image'], str) or not person['image']:
            raise ValueError(
                f'{where}[{index}].image should be the name of a file, but is {person["image"]!r}'
            )


def _identities(people: Sequence[Mapping], where: str) -> list[dict]:
    """Fields that identify each person; IDs are positions if the file has none."""
    seen: dict[int, int] = {}
    for index, person in enumerate(people):
        number = person.get('id', index)
        if not isinstance(number, int):
            raise ValueError(f'{where}[{index}].id should be an integer, but is {number!r}')
        if number in seen:
            raise ValueError(f'{where}[{index}] has the id {number} of {where}[{seen[number]}]')
        seen[number] = index
    return [
        {'id': number, **{key: person[key] for key in IDENTITY if key in person}}
        for number, person in zip(seen, people)
    ]

"""PoseTrack18's format: COCO's layout, one file per video."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from operator import itemgetter

import numpy as np

from hrnet_ext.formats.posetrack import fields
from hrnet_ext.formats.posetrack.frames import NO_SCORE, Frame, Person, gather
from hrnet_ext.formats.posetrack.keypoints import KEYPOINTS


def read(data: Mapping, where: str) -> list[Frame]:
    """Frames of a sequence in the order of ``images``.

    A keypoint is absent if x, y and the third number are all 0, and present otherwise.

    Args:
        data: ``images``, ``annotations`` and ``categories``.
        where: Name of the file, for messages.

    Raises:
        ValueError: If a field is missing or invalid.
    """
    columns, num_keypoints = _columns(data, where)
    images = fields.require(data, 'images', where)
    annotations = _by_image(data, images, where)
    frames = []
    for image in images:
        name = fields.require(image, 'file_name', f'{where}: an entry of images')
        here = f"{where}: frame '{name}'"
        persons = [
            _person(annotation, columns, num_keypoints, f'{here}, person {index}')
            for index, annotation in enumerate(annotations[image['id']])
        ]
        frame = Frame(
            name=name,
            people=gather(persons, here),
            annotated=bool(persons),
            labeled=bool(persons) or bool(image.get('is_labeled', False)),
            ignore_regions=_ignore_regions(image, here),
        )
        frames.append(frame)
    return frames


def _columns(data: Mapping, where: str) -> tuple[list[int], int]:
    """Indices of the 15 evaluated keypoints in the file, and its number of keypoints."""
    categories = fields.require(data, 'categories', where)
    if len(categories) != 1:
        raise ValueError(f"{where} has {len(categories)} categories; it should have 'person' only")
    names = list(fields.require(categories[0], 'keypoints', f'{where}: categories[0]'))
    missing = [name for name in KEYPOINTS if name not in names]
    if missing:
        raise ValueError(
            f'{where}: categories[0].keypoints lacks {missing} of the 15 keypoints evaluated; '
            f'name all of them (it has {names})'
        )
    return [names.index(name) for name in KEYPOINTS], len(names)


def _by_image(data: Mapping, images: list[Mapping], where: str) -> dict[int, list[Mapping]]:
    """Annotations of each image, in the order of the file."""
    ids = [fields.require(image, 'id', f'{where}: an entry of images') for image in images]
    image_id, times = max(Counter(ids).items(), key=itemgetter(1), default=(None, 0))
    if times > 1:
        raise ValueError(
            f'{where}: images lists the id {image_id} {times} times; give each frame a unique id'
        )
    known = set(ids)
    by_image = defaultdict(list)
    for index, annotation in enumerate(fields.require(data, 'annotations', where)):
        image_id = fields.annotated_image(annotation, known, f'{where}: annotations[{index}]')
        by_image[image_id].append(annotation)
    return by_image


def _person(annotation: Mapping, columns: list[int], num_keypoints: int, where: str) -> Person:
    """A person from its annotation."""
    raw = fields.numbers(fields.require(annotation, 'keypoints', where), f'{where}: keypoints')
    if raw.size != 3 * num_keypoints:
        raise ValueError(
            f'{where} has {raw.size} keypoint values, which are {raw.size / 3:g} keypoints, but '
            f'categories names {num_keypoints}: give {3 * num_keypoints} values (x, y, visibility)'
        )
    keypoints = raw.reshape(-1, 3)[columns]
    track_id = annotation.get('track_id')
    return Person(
        keypoints=keypoints[:, :2],
        present=(keypoints != 0).any(axis=1),
        scores=_scores(annotation, columns, num_keypoints, where),
        track_id=None if track_id is None else fields.as_track_id(track_id, where),
        head_box=_head_box(annotation, where),
    )


def _scores(annotation: Mapping, columns: list[int], num_keypoints: int, where: str) -> np.ndarray:
    """Scores (15,) of a person's keypoints."""
    scores = annotation.get('scores')
    if scores is None or not len(scores):
        return np.full(len(KEYPOINTS), NO_SCORE)
    values = fields.numbers(scores, f'{where}: scores')
    if values.shape != (num_keypoints,):
        raise ValueError(
            f'{where} has {values.size} scores for {num_keypoints} keypoints; give one per '
            'keypoint, or none'
        )
    return values[columns]


def _head_box(annotation: Mapping, where: str) -> np.ndarray:
    """A person's head box as (x1, y1, x2, y2)."""
    box = annotation.get('bbox_head')
    if box is None:
        return fields.NO_HEAD_BOX
    values = fields.numbers(box, f'{where}: bbox_head')
    if values.shape != (4,):
        raise ValueError(f'{where}: bbox_head should be [x, y, w, h], but is {box}')
    return np.concatenate([values[:2], values[:2] + values[2:]])


def _ignore_regions(image: Mapping, where: str) -> tuple[np.ndarray, ...]:
    """The ignore regions of an image."""
    if ('ignore_regions_x' in image) != ('ignore_regions_y' in image):
        raise ValueError(
            f'{where} has only one of ignore_regions_x and ignore_regions_y; give both or neither'
        )
    all_x, all_y = image.get('ignore_regions_x') or [], image.get('ignore_regions_y') or []
    if len(all_x) != len(all_y):
        raise ValueError(
            f'{where} has {len(all_x)} ignore_regions_x, but {len(all_y)} ignore_regions_y'
        )
    return tuple(
        fields.polygon(x, y, f'{where}: ignore region {index}')
        for index, (x, y) in enumerate(zip(all_x, all_y))
    )

"""PoseTrack17's format: ``annolist``, with every value wrapped in a list, as written by MATLAB."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hrnet_ext.formats.posetrack import fields
from hrnet_ext.formats.posetrack.frames import NO_SCORE, Frame, Person, gather
from hrnet_ext.formats.posetrack.keypoints import KEYPOINTS


def read(data: Mapping, where: str) -> list[Frame]:
    """Frames of a sequence in the order of ``annolist``.

    A keypoint is present if it is listed. A person without a list of keypoints is skipped, but the
    frame counts as annotated.

    Args:
        data: The file's dict.
        where: Name of the file, for messages.

    Raises:
        ValueError: If a field is missing or invalid.
    """
    frames = []
    for index, entry in enumerate(fields.require(data, 'annolist', where)):
        image = fields.require(entry, 'image', f'{where}: annolist[{index}]')
        name = fields.require(_first(image), 'name', f'{where}: annolist[{index}].image')
        here = f"{where}: frame '{name}'"
        rects = fields.require(entry, 'annorect', here)
        persons = [
            _person(rect, f'{here}, person {number}')
            for number, rect in enumerate(rects)
            if _has_points(rect)
        ]
        frame = Frame(
            name=name,
            people=gather(persons, here),
            annotated=len(rects) > 0,
            labeled=len(rects) > 0 or bool(_first(entry.get('is_labeled', False))),
            ignore_regions=_ignore_regions(entry, here),
        )
        frames.append(frame)
    return frames


def _first(value: Any) -> Any:
    """The value in MATLAB's one-element list; any other value as it is."""
    return value[0] if isinstance(value, (list, tuple)) and len(value) else value


def _has_points(rect: Mapping) -> bool:
    """Whether a person has a list of keypoints, which may be empty."""
    points = _first(rect.get('annopoints'))
    return isinstance(points, Mapping) and 'point' in points


def _person(rect: Mapping, where: str) -> Person:
    """A person from its entry in ``annorect``."""
    keypoints, present = np.zeros((len(KEYPOINTS), 2)), np.zeros(len(KEYPOINTS), bool)
    scores = np.full(len(KEYPOINTS), NO_SCORE)
    for point in _first(rect['annopoints'])['point']:
        joint = _first(fields.require(point, 'id', f'{where}: a point'))
        if joint not in range(len(KEYPOINTS)):
            raise ValueError(
                f'{where} has a keypoint with id {joint!r}; the ids of PoseTrack17 are 0 to 14'
            )
        if present[joint]:
            raise ValueError(f'{where} has the keypoint with id {joint} twice; list it once')
        here = f'{where}: keypoint {joint}'
        position = [_first(fields.require(point, axis, here)) for axis in 'xy']
        keypoints[joint], present[joint] = fields.numbers(position, here), True
        scores[joint] = fields.numbers(_first(point.get('score', NO_SCORE)), f'{here}: score')
    track_id = _first(rect.get('track_id'))
    return Person(
        keypoints=keypoints,
        present=present,
        scores=scores,
        track_id=None if track_id is None else fields.as_track_id(track_id, where),
        head_box=_head_box(rect, where),
    )


def _head_box(rect: Mapping, where: str) -> np.ndarray:
    """A person's head box as (x1, y1, x2, y2)."""
    sides = ('x1', 'y1', 'x2', 'y2')
    if not all(side in rect for side in sides):
        return fields.NO_HEAD_BOX
    box = [_first(rect[side]) for side in sides]
    return fields.numbers(box, f'{where}: head box (x1, y1, x2, y2)')


def _ignore_regions(entry: Mapping, where: str) -> tuple[np.ndarray, ...]:
    """The ignore regions of a frame."""
    polygons = []
    for index, region in enumerate(entry.get('ignore_regions') or []):
        here = f'{where}: ignore region {index}'
        points = fields.require(region, 'point', here)
        axes = [[_first(fields.require(point, axis, here)) for point in points] for axis in 'xy']
        polygons.append(fields.polygon(*axes, here))
    return tuple(polygons)

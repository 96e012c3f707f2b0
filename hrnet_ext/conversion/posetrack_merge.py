"""Merge PoseTrack18's files, one per video, into one file in COCO's layout for the data sets."""

from collections.abc import Mapping
from typing import Any

SEQUENCE_FIELDS = ('images', 'annotations', 'categories')


def merge_sequences(
    sequences: Mapping[str, Mapping], sizes: Mapping[str, tuple[int, int]]
) -> dict[str, list[dict]]:
    """Annotations of many videos in one dict.

    Videos are sorted by name. Records keep all fields and ids, and get fields that COCO's readers
    need and PoseTrack18's files lack: images ``width`` and ``height``, annotations
    ``area``, the box's, and ``iscrowd``.

    Args:
        sequences: PoseTrack18's JSON of each video, by the video's name.
        sizes: (w, h) of each video's frames in pixels, by video name.

    Raises:
        ValueError: If a video lacks a part or its size, an id occurs twice, in one video or in
            two, or the videos differ in their categories.
    """
    merged: dict[str, list[dict]] = {'images': [], 'annotations': [], 'categories': []}
    owners: dict[str, dict[Any, str]] = {'images': {}, 'annotations': {}}
    for name in sorted(sequences):
        data = sequences[name]
        _check_parts(data, name)
        if name not in sizes:
            raise ValueError(f"sequence '{name}' has no size; give (w, h) of its frames")
        for part, owner in owners.items():
            _claim_ids(data[part], owner, name, part)
        merged['categories'] = _common(merged['categories'], data['categories'], name)
        width, height = (int(value) for value in sizes[name])
        merged['images'] += [{**each, 'width': width, 'height': height} for each in data['images']]
        merged['annotations'] += [_with_area(each) for each in data['annotations']]
    return merged


def _with_area(annotation: Mapping) -> dict:
    """The annotation with the fields that COCO's detection data sets need."""
    box = annotation.get('bbox')
    added = {'area': box[2] * box[3], 'iscrowd': 0} if box else {}
    return {**added, **annotation}


def _check_parts(data: Any, name: str) -> None:
    """Check that a video's file has its three lists."""
    if not isinstance(data, Mapping):
        raise ValueError(
            f"sequence '{name}' is a {type(data).__name__}; give the dict of its JSON file"
        )
    absent = [part for part in SEQUENCE_FIELDS if not isinstance(data.get(part), list)]
    if absent:
        raise ValueError(
            f"sequence '{name}' has no list of {', '.join(absent)}, but {sorted(map(str, data))}; "
            "give a video's JSON file of PoseTrack18"
        )


def _claim_ids(records: list[Mapping], owners: dict[Any, str], name: str, part: str) -> None:
    """Add a video's ids to those of the previous videos, and check that they are unique."""
    for index, record in enumerate(records):
        if not isinstance(record, Mapping) or 'id' not in record:
            raise ValueError(f"sequence '{name}': {part}[{index}] has no id; give each record one")
        owner = owners.setdefault(record['id'], f'{name}[{index}]')
        if owner != f'{name}[{index}]':
            other = owner.rpartition('[')[0]
            where = 'twice in it' if other == name else f"in '{other}' too"
            raise ValueError(
                f"sequence '{name}': the id {record['id']} of {part}[{index}] is {where}; "
                'remove the copy, or give each its own id'
            )


def _common(categories: list[dict], others: list[dict], name: str) -> list[dict]:
    """The first video's categories; those of other videos must be equal, except the skeleton."""
    if categories and _identity(categories) != _identity(others):
        raise ValueError(
            f"sequence '{name}' has other categories than the videos before it; their ids and "
            'the names and order of their keypoints must be the same'
        )
    return categories or others


def _identity(categories: list[dict]) -> list[tuple]:
    """The fields of categories that must be equal in all videos."""
    return [(each.get('id'), each.get('keypoints')) for each in categories]

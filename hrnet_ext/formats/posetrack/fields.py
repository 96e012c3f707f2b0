"""Read single fields of an annotation file, with errors that name the place and the cure."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

NO_HEAD_BOX = np.full(4, np.nan)


def require(data: Any, key: str, where: str) -> Any:
    """``data[key]``.

    Raises:
        ValueError: If ``data`` is not a dict or has no such key.
    """
    if not isinstance(data, Mapping) or key not in data:
        held = sorted(map(str, data)) if isinstance(data, Mapping) else type(data).__name__
        raise ValueError(
            f"{where} has no '{key}' (it is or contains {held}); add it as in PoseTrack's files"
        )
    return data[key]


def annotated_image(annotation: Any, known: Container, where: str) -> Any:
    """The ``image_id`` of an annotation.

    Raises:
        ValueError: If it has none, or one that is not in ``known``.
    """
    image_id = require(annotation, 'image_id', where)
    if image_id not in known:
        raise ValueError(
            f'{where} has image_id {image_id}, which is not in images; list the frame, or correct '
            'the id'
        )
    return image_id


def numbers(values: Any, what: str) -> np.ndarray:
    """``values`` as a float64 array.

    Raises:
        ValueError: If they are not numbers.
    """
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f'{what} should be numbers, but are {values!r}') from None


def as_track_id(value: Any, where: str) -> int:
    """A track id as an int.

    Raises:
        ValueError: If it is not a whole number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ValueError(f'{where}: track_id should be a whole number, but is {value!r}')
    if int(value) != value:
        raise ValueError(f'{where}: track_id should be a whole number, but is {value!r}')
    return int(value)


def polygon(x: Sequence[float], y: Sequence[float], where: str) -> np.ndarray:
    """An ignore region as (V, 2); an empty one covers nothing.

    Raises:
        ValueError: If the numbers of x and y differ, they are not finite, or there are only one or
            two points.
    """
    if len(x) != len(y):
        raise ValueError(f'{where} has {len(x)} x and {len(y)} y; give one of each per corner')
    corners = np.stack([numbers(x, where), numbers(y, where)], axis=1).reshape(-1, 2)
    if 0 < len(corners) < 3:
        raise ValueError(
            f'{where} is a polygon of {len(corners)} points, {corners.tolist()}; '
            'give three or more, or remove the region'
        )
    if not np.isfinite(corners).all():
        raise ValueError(f'{where} has corners that are not finite: {corners.tolist()}')
    return corners

"""Ignore regions: keypoints inside them are not evaluated."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hrnet_ext.formats.posetrack.frames import People


def inside(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether points lie strictly inside a polygon, by the even-odd rule.

    A point on the outline is outside, as in Shapely's ``Polygon.contains``, which poseval uses.

    Args:
        polygon: (V, 2) corners; the last one connects to the first.
        points: (N, 2).

    Returns:
        (N,) bool.
    """
    result = np.zeros(len(points), bool)
    if not len(polygon):
        return result
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    near = np.flatnonzero(((low < points) & (points < high)).all(axis=1))
    result[near] = _inside(polygon, points[near])
    return result


def _inside(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """:func:`inside` for points (N, 2) within the bounding box of the polygon."""
    start, end = polygon[None], np.roll(polygon, -1, axis=0)[None]
    point = points[:, None]
    edge, offset = end - start, point - start
    side = edge[..., 0] * offset[..., 1] - edge[..., 1] * offset[..., 0]
    within = (np.minimum(start, end) <= point) & (point <= np.maximum(start, end))
    on_outline = ((side == 0) & within.all(axis=2)).any(axis=1)
    # A ray to the right crosses an upward edge if the point is on its left, and a downward edge if
    # the point is on its right. Only the lower end belongs to an edge, so a corner counts once.
    up = (start[..., 1] <= point[..., 1]) & (end[..., 1] > point[..., 1]) & (side > 0)
    down = (end[..., 1] <= point[..., 1]) & (start[..., 1] > point[..., 1]) & (side < 0)
    return ((up | down).sum(axis=1) % 2 == 1) & ~on_outline


def without_ignored(people: People, regions: Sequence[np.ndarray]) -> People:
    """Remove keypoints inside ``regions``, then persons without any keypoint.

    In a frame without regions all persons stay, also those without keypoints, as in poseval.

    Args:
        people: Annotated or predicted persons of a frame.
        regions: Polygons of the frame, (V, 2), pixels.
    """
    if not len(regions):
        return people
    ignored = np.zeros(people.present.shape, bool)
    for polygon in regions:
        ignored[people.present] |= inside(polygon, people.keypoints[people.present])
    present = people.present & ~ignored
    return replace(people, present=present).select(present.any(axis=1))

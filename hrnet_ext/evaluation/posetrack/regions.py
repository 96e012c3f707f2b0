"""Ignore regions: what lies inside them counts neither for nor against anybody."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hrnet_ext.formats.posetrack.frames import People


def inside(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether points lie strictly inside a polygon, by the even-odd rule.

    A point on the outline is outside, as for Shapely's ``Polygon.contains``, which poseval asks.

    Args:
        polygon: (V, 2) corners; the last is joined to the first.
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
    """:func:`inside` of points (N, 2) that may well be."""
    start, end = polygon[None], np.roll(polygon, -1, axis=0)[None]
    point = points[:, None]
    edge, offset = end - start, point - start
    side = edge[..., 0] * offset[..., 1] - edge[..., 1] * offset[..., 0]
    within = (np.minimum(start, end) <= point) & (point <= np.maximum(start, end))
    on_outline = ((side == 0) & within.all(axis=2)).any(axis=1)
    # A ray to the right crosses an edge that goes up with the point on its left, or down with the
    # point on its right; of the edge's ends the lower belongs to it, so a corner counts once.
    up = (start[..., 1] <= point[..., 1]) & (end[..., 1] > point[..., 1]) & (side > 0)
    down = (end[..., 1] <= point[..., 1]) & (start[..., 1] > point[..., 1]) & (side < 0)
    return ((up | down).sum(axis=1) % 2 == 1) & ~on_outline


def without_ignored(people: People, regions: Sequence[np.ndarray]) -> People:
    """People without their keypoints inside ``regions``, and without those left with no keypoint.

    In a frame without regions nobody is left out, keypoints or not: poseval does so too.

    Args:
        people: Annotated or predicted people of a frame.
        regions: Its polygons (V, 2), pixels.
    """
    if not len(regions):
        return people
    ignored = np.zeros(people.present.shape, bool)
    for polygon in regions:
        ignored[people.present] |= inside(polygon, people.keypoints[people.present])
    present = people.present & ~ignored
    return replace(people, present=present).select(present.any(axis=1))

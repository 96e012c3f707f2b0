"""CLEAR-MOT: tracking errors, counted for one keypoint of one sequence."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import numpy as np
from scipy.optimize import linear_sum_assignment

Observation = tuple[list[int], list[int], np.ndarray]


@dataclass
class Counts:
    """Events of a sequence.

    Attributes:
        objects: Annotated keypoints.
        detections: Annotated keypoints matched with a prediction.
        misses: Annotated keypoints without a match.
        false_positives: Predictions without a match.
        switches: Detections whose track differs from that of the previous match.
        distance: Sum of the matched distances, in head sizes.
        event_distance: Sum over motmetrics' table of events, which poseval divides by
            ``detections``. It counts each possible pair once, and adds each match, each switch and
            each change of a track's object.
    """

    objects: int = 0
    detections: int = 0
    misses: int = 0
    false_positives: int = 0
    switches: int = 0
    distance: float = 0.0
    event_distance: float = 0.0

    def __add__(self, other: 'Counts') -> 'Counts':
        names = [item.name for item in fields(self)]
        return Counts(*(getattr(self, name) + getattr(other, name) for name in names))


@dataclass
class _Memory:
    """State from the earlier frames of a sequence."""

    track_of: dict[int, int] = field(default_factory=dict)  # last match of an object
    object_of: dict[int, int] = field(default_factory=dict)  # last new assignment of a track
    found: set[int] = field(default_factory=set)  # objects ever matched
    used: set[int] = field(default_factory=set)  # tracks ever matched


def clear_mot(observations: Iterable[Observation]) -> Counts:
    """Count the events of Bernardin and Stiefelhagen (2008), as motmetrics 1.4 does.

    In each frame, objects first keep their previous track, if it is near. The others are assigned
    with the least sum of distances. A match with a track other than that of the previous match, in
    any earlier frame, is a switch.

    Args:
        observations: For each frame, ids of G objects, ids of P tracks, and distances (G, P),
            infinite for pairs that must not be matched.
    """
    memory, counts = _Memory(), Counts()
    for objects, tracks, distances in observations:
        counts.objects += len(objects)
        kept = _keep(objects, tracks, distances, memory)
        new = _assign(_without(distances, kept))
        counts.event_distance += float(distances[np.isfinite(distances)].sum())
        for row, column in new:
            _record(objects[row], tracks[column], distances[row, column], memory, counts)
        for row, column in kept + new:
            counts.distance += float(distances[row, column])
            counts.event_distance += float(distances[row, column])
            memory.track_of[objects[row]] = tracks[column]
            memory.found.add(objects[row])
            memory.used.add(tracks[column])
        num_matched = len(kept) + len(new)
        counts.detections += num_matched
        counts.misses += len(objects) - num_matched
        counts.false_positives += len(tracks) - num_matched
    return counts


def _keep(
    objects: list[int], tracks: list[int], distances: np.ndarray, memory: _Memory
) -> list[tuple[int, int]]:
    """Pairs (row, column) of objects that keep their track; of two with the same, the first."""
    columns = {track: column for column, track in enumerate(tracks)}
    pairs = []
    for row, name in enumerate(objects):
        column = columns.get(memory.track_of.get(name))
        if column is not None and np.isfinite(distances[row, column]):
            pairs.append((row, column))
            del columns[tracks[column]]
    return pairs


def _without(distances: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Distances with infinity in the rows and columns of ``pairs``."""
    left = distances.copy()
    for row, column in pairs:
        left[row, :] = left[:, column] = np.inf
    return left


def _assign(distances: np.ndarray) -> list[tuple[int, int]]:
    """The largest number of pairs (row, column), with the least sum of distances."""
    possible = np.isfinite(distances)
    if not possible.any():
        return []
    if possible.sum(axis=0).max() == possible.sum(axis=1).max() == 1:
        return [tuple(pair) for pair in np.argwhere(possible).tolist()]
    # One forbidden pair costs more than all allowed ones together.
    forbidden = 2 * min(distances.shape) * (distances[possible].max() + 1) + 1
    rows, columns = linear_sum_assignment(np.where(possible, distances, forbidden))
    return [(r, c) for r, c in zip(rows.tolist(), columns.tolist()) if possible[r, c]]


def _record(name: int, track: int, distance: float, memory: _Memory, counts: Counts) -> None:
    """Record a newly assigned pair, and the extra events that motmetrics lists for it."""
    is_switch = memory.track_of.get(name, track) != track
    is_transfer = memory.object_of.get(track, name) != name
    counts.switches += is_switch
    ascends = is_switch and track not in memory.used
    migrates = is_transfer and name not in memory.found
    counts.event_distance += float(distance) * (ascends + is_transfer + migrates)
    memory.object_of[track] = name

"""Which predicted keypoint is where an annotated one is, and which predicted person is whom."""

from dataclasses import dataclass

import numpy as np

from hrnet_ext.formats.mpii import head_sizes
from hrnet_ext.formats.posetrack.frames import People

THRESHOLD = 0.5  # head sizes, inclusive; PCKh@0.5 of Andriluka et al.


@dataclass(frozen=True)
class Match:
    """The people of a frame (G annotated, P predicted) measured against one another.

    Attributes:
        gt: The annotated people.
        pred: The predicted ones.
        distances: (G, P, 15) in head sizes; infinite beyond the threshold or where one is absent.
        labels: (P, 15), whether a predicted keypoint is right: near that of the person it is
            assigned to.
    """

    gt: People
    pred: People
    distances: np.ndarray
    labels: np.ndarray


def match(gt: People, pred: People) -> Match:
    """Measure predicted people against annotated ones and assign them.

    Args:
        gt: G annotated people, all with a head box unless they have no keypoint.
        pred: P predicted people.
    """
    distances = _distances(gt, pred)
    near = np.isfinite(distances)
    person = assign(near, gt.present)
    labels = np.zeros(pred.present.shape, bool)
    assigned = np.flatnonzero(person >= 0)
    labels[assigned] = near[person[assigned], assigned]
    return Match(gt, pred, distances, labels)


def assign(near: np.ndarray, annotated: np.ndarray) -> np.ndarray:
    """The annotated person each predicted one is assigned to.

    A predicted person goes to the annotated one of whose keypoints it has the largest share right
    (of equal ones the first); of those that go to the same, the one with the largest share stays.

    Args:
        near: (G, P, 15), where a predicted keypoint is right.
        annotated: (G, 15).

    Returns:
        (P,) index of the annotated person; -1 for an unassigned one.
    """
    num_gt, num_pred = near.shape[:2]
    person = np.full(num_pred, -1)
    if not num_gt or not num_pred:
        return person
    share = near.sum(axis=2) / np.maximum(annotated.sum(axis=1), 1)[:, None]
    is_favourite = share.argmax(axis=0) == np.arange(num_gt)[:, None]
    share = np.where(is_favourite, share, 0)
    taken = np.flatnonzero(share.max(axis=1) > 0)
    person[share[taken].argmax(axis=1)] = taken
    return person


def _distances(gt: People, pred: People) -> np.ndarray:
    """Distances (G, P, 15) in head sizes, infinite where they do not count."""
    offsets = gt.keypoints[:, None] - pred.keypoints[None]
    comparable = gt.present[:, None] & pred.present[None]
    # Only people without keypoints may come without a head box; nothing of theirs is comparable.
    sizes = np.where(gt.present.any(axis=1), head_sizes(gt.head_boxes), 1)
    distances = np.sqrt((offsets**2).sum(axis=3)) / sizes[:, None, None]
    return np.where(comparable & (distances <= THRESHOLD), distances, np.inf)

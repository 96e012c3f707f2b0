"""Match predicted with annotated persons, and decide which predicted keypoints are correct."""

from dataclasses import dataclass

import numpy as np

from hrnet_ext.formats.mpii import head_sizes
from hrnet_ext.formats.posetrack.frames import People

THRESHOLD = 0.5  # head sizes, inclusive; PCKh@0.5 of Andriluka et al.


@dataclass(frozen=True)
class Match:
    """The matched persons of a frame: G annotated, P predicted.

    Attributes:
        gt: The annotated persons.
        pred: The predicted persons.
        distances: (G, P, 15) in head sizes; infinite beyond the threshold or if one is absent.
        labels: (P, 15), whether a predicted keypoint is correct: near that of the assigned person.
    """

    gt: People
    pred: People
    distances: np.ndarray
    labels: np.ndarray


def match(gt: People, pred: People) -> Match:
    """Compute keypoint distances and assign predicted to annotated persons.

    Args:
        gt: G annotated persons, all with a head box unless they have no keypoint.
        pred: P predicted persons.
    """
    distances = _distances(gt, pred)
    near = np.isfinite(distances)
    person = assign(near, gt.present)
    labels = np.zeros(pred.present.shape, bool)
    assigned = np.flatnonzero(person >= 0)
    labels[assigned] = near[person[assigned], assigned]
    return Match(gt, pred, distances, labels)


def assign(near: np.ndarray, annotated: np.ndarray) -> np.ndarray:
    """The annotated person that each predicted person is assigned to.

    Each predicted person selects the annotated person with the largest fraction of correct
    keypoints, of equal ones the first. If several select the same person, the one with the largest
    fraction is assigned.

    Args:
        near: (G, P, 15), whether a predicted keypoint is correct.
        annotated: (G, 15).

    Returns:
        (P,) index of the annotated person; -1 if unassigned.
    """
    num_gt, num_pred = near.shape[:2]
    person = np.full(num_pred, -1)
    if not num_gt or not num_pred:
        return person
    share = near.sum(axis=2) / np.maximum(annotated.sum(axis=1), 1)[:, None]
    is_best = share.argmax(axis=0) == np.arange(num_gt)[:, None]
    share = np.where(is_best, share, 0)
    taken = np.flatnonzero(share.max(axis=1) > 0)
    person[share[taken].argmax(axis=1)] = taken
    return person


def _distances(gt: People, pred: People) -> np.ndarray:
    """Distances (G, P, 15) in head sizes, infinite if they do not count."""
    offsets = gt.keypoints[:, None] - pred.keypoints[None]
    comparable = gt.present[:, None] & pred.present[None]
    # Only persons without keypoints may lack a head box; they have no comparable keypoints.
    sizes = np.where(gt.present.any(axis=1), head_sizes(gt.head_boxes), 1)
    distances = np.sqrt((offsets**2).sum(axis=3)) / sizes[:, None, None]
    return np.where(comparable & (distances <= THRESHOLD), distances, np.inf)

"""Average precision: match predicted with annotated persons, rank keypoints by their scores."""

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


def average_precision(scores: np.ndarray, labels: np.ndarray, num_gt: int) -> float:
    """Area under the precision-recall curve, interpolated at all points as in PASCAL VOC 2010.

    Of equal scores the last one comes first, as in poseval if its sort is stable. With equal
    scores the result depends on the order of persons, frames and sequences.

    Args:
        scores: (N,) of the predictions.
        labels: (N,) bool, whether they are correct.
        num_gt: Number of annotated keypoints, at least 1.

    Returns:
        In [0, 1].
    """
    hits = np.cumsum(labels[np.argsort(scores, kind='stable')[::-1]])
    recall = np.concatenate([[0], hits / num_gt])
    precision = hits / np.arange(1, len(hits) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall) * best_from_here).sum())


def keypoint_ap(
    scores: np.ndarray,
    labels: np.ndarray,
    present: np.ndarray,
    num_gt: np.ndarray,
    *,
    strict_poseval: bool,
) -> np.ndarray:
    """AP of each keypoint over all predicted persons (P) of all frames.

    Args:
        scores: (P, 15).
        labels: (P, 15), whether they are correct.
        present: (P, 15), whether they were predicted.
        num_gt: (15,), numbers of annotated keypoints.
        strict_poseval: Whether a keypoint neither annotated nor predicted has AP 0, as in
            poseval, instead of NaN.

    Returns:
        (15,) in %; NaN for keypoints that are never annotated.
    """
    values = np.full(len(num_gt), np.nan)
    for joint in range(len(num_gt)):
        predicted = present[:, joint]
        if num_gt[joint]:
            joint_scores, joint_labels = scores[predicted, joint], labels[predicted, joint]
            values[joint] = 100 * average_precision(joint_scores, joint_labels, num_gt[joint])
        elif strict_poseval and not predicted.any():
            values[joint] = 0
    return values

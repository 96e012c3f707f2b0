"""Average precision of keypoints ranked by their scores."""

import numpy as np


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

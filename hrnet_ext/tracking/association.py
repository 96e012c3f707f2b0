"""Assign the poses of a frame to tracks, by a matrix of similarities.

T: number of tracks; N: number of poses of the frame. A similarity is in [0, 1]; a pair is matched
only if its similarity exceeds a minimum. Each function takes the matrix (T, N) and the minimum,
and returns the index (N,) of each pose's track, int64, or ``UNMATCHED``. Equal similarities are
ranked by track, then by pose, in the order of the matrix.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

UNMATCHED = -1

Matching = Callable[[np.ndarray, float], np.ndarray]


def match_greedily(similarity: np.ndarray, minimum: float) -> np.ndarray:
    """Match the most similar pair first, then the most similar of the others, and so on.

    As in Detect-and-Track (Girdhar et al., 2018) and in Simple Baselines (Xiao et al., 2018).
    """
    matched = np.full(similarity.shape[1], UNMATCHED)
    track_is_free = np.ones(similarity.shape[0], bool)
    ranked = np.argsort(-similarity, axis=None, kind='stable')
    ranked = ranked[similarity.ravel()[ranked] > minimum]
    for track, pose in zip(*np.unravel_index(ranked, similarity.shape)):
        if track_is_free[track] and matched[pose] == UNMATCHED:
            matched[pose] = track
            track_is_free[track] = False
    return matched


def match_by_hungarian(similarity: np.ndarray, minimum: float) -> np.ndarray:
    """The pairs with the largest sum of similarities; those up to the minimum count as 0.

    Of several such assignments SciPy chooses one; the choice is deterministic.
    """
    gain = np.where(similarity > minimum, similarity, 0.0)
    tracks, poses = linear_sum_assignment(gain, maximize=True)
    matched = np.full(similarity.shape[1], UNMATCHED)
    valid = gain[tracks, poses] > 0
    matched[poses[valid]] = tracks[valid]
    return matched


def match_in_order(similarity: np.ndarray, minimum: float) -> np.ndarray:
    """For each pose, in the given order, the most similar track that is still free.

    As in MMPose's demos, for the poses of the previous frame.
    """
    left = np.array(similarity, np.float64)
    matched = np.full(similarity.shape[1], UNMATCHED)
    for pose in range(similarity.shape[1] if len(left) else 0):
        track = left[:, pose].argmax()
        if left[track, pose] > minimum:
            matched[pose] = track
            left[track] = -np.inf
    return matched


MATCHINGS: dict[str, Matching] = {
    'greedy': match_greedily,
    'hungarian': match_by_hungarian,
    'in_order': match_in_order,
}

"""Greedy non-maximum suppression, from a matrix of clashing pairs."""

import numpy as np


def suppress(clash: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Keep the best, drop those that clash with it, and repeat.

    Of equal scores the first one is preferred.

    Args:
        clash: (N, N) bool, symmetric.
        scores: (N,).

    Returns:
        Kept indices, int64, in ascending order.
    """
    dropped = np.zeros(len(clash), bool)
    best_first = np.argsort(-np.asarray(scores), kind='stable')
    for rank, index in enumerate(best_first):
        if not dropped[index]:
            after = best_first[rank + 1 :]
            dropped[after] |= clash[index, after]
    return np.flatnonzero(~dropped)

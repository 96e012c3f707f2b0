"""Object keypoint similarity (OKS), and non-maximum suppression of poses by OKS.

N, M: number of poses; K: number of keypoints. Keypoints are (x, y) in image space, pixels; areas
are in square pixels; sigmas (K,) are COCO's per-keypoint constants, not a heatmap's sigma.
"""

import numpy as np

PAIRS_PER_BLOCK = 1024  # fits into a CPU's cache, keypoint by keypoint
LEAST_EXPONENT = -150.0  # 0 in single precision; exp() is 25x slower where it underflows


def oks(
    keypoints: np.ndarray,
    others: np.ndarray,
    *,
    areas: np.ndarray,
    other_areas: np.ndarray,
    sigmas: np.ndarray,
) -> np.ndarray:
    """OKS of each pose with each of the others, over all keypoints.

    ``mean_k exp(-d_k^2 / (2 area (2 sigma_k)^2))``, with the mean of the two areas,
    as in the non-maximum suppression of Xiao et al. (2018), the official HRNet and MMPose.

    Args:
        keypoints: (N, K, 2).
        others: (M, K, 2).
        areas: (N,).
        other_areas: (M,).
        sigmas: (K,).

    Returns:
        (N, M) float32 in [0, 1]: as in MMPose, which compares single precision with its threshold.
    """
    block = max(1, PAIRS_PER_BLOCK // max(1, len(others)))
    rows = [
        _oks_block(keypoints[i : i + block], others, areas[i : i + block], other_areas, sigmas)
        for i in range(0, len(keypoints), block)
    ]
    return np.concatenate(rows) if rows else np.zeros((0, len(others)), np.float32)


def oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    threshold: float,
    sigmas: np.ndarray,
) -> np.ndarray:
    """Keep the best pose, drop those whose OKS with it exceeds ``threshold``, and repeat.

    Without equal scores the kept indices are those of the official HRNet and of MMPose's
    ``oks_nms``. Of poses with equal scores the last one in the input comes first, on any machine.
    Both references use NumPy's default sort, in which the order of equal scores is undefined (on
    AVX512 it differs in most cases), so they may keep another pose. With a stable sort they keep
    the same.

    Args:
        keypoints: (N, K, 2) poses of one image.
        scores: (N,).
        areas: (N,).
        threshold: Largest OKS of two kept poses, in [0, 1].
        sigmas: (K,).

    Returns:
        Kept indices (at most N,), int64, best first.

    Raises:
        ValueError: If the shapes do not agree or a number is not finite.
    """
    keypoints, scores, areas, sigmas = _checked(keypoints, scores, areas, sigmas)
    order = _best_first(scores)
    keypoints, areas = keypoints[order], areas[order]
    similarity = oks(keypoints, keypoints, areas=areas, other_areas=areas, sigmas=sigmas)
    clash = similarity > threshold
    dropped = np.zeros(len(order), bool)
    for i in np.flatnonzero(np.triu(clash, 1).any(axis=1)):
        if not dropped[i]:
            dropped[i + 1 :] |= clash[i, i + 1 :]
    return order[~dropped]


def soft_oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    threshold: float,
    sigmas: np.ndarray,
    max_num: int = 20,
) -> np.ndarray:
    """Take the best pose, decay the others' scores by ``exp(-OKS^2 / threshold)``, and repeat.

    Gaussian Soft-NMS (Bodla et al. 2017) on OKS. Without equal scores, at the start and after
    each decay, the taken indices and their order are those of the official HRNet and of MMPose's
    ``soft_oks_nms``. Of poses with equal scores the last one is taken first, in every round.
    Both references sort again in every round, which reverses equal scores each time, even with a
    stable sort. With equal scores they may take other poses, and AP may differ in the second digit.

    Args:
        keypoints: (N, K, 2) poses of one image.
        scores: (N,).
        areas: (N,).
        threshold: Width of the decay; the smaller, the stronger.
        sigmas: (K,).
        max_num: Largest number of poses to take; 20 in both references.

    Returns:
        Indices of the taken poses (at most ``max_num``,), int64, in the order they were taken.

    Raises:
        ValueError: If the shapes do not agree, a number is not finite or ``threshold`` is not
            positive.
    """
    if not threshold > 0:
        raise ValueError(f'threshold of soft OKS-NMS should be positive, but is {threshold}')
    keypoints, scores, areas, sigmas = _checked(keypoints, scores, areas, sigmas)
    order = _best_first(scores)
    keypoints, areas, scores = keypoints[order], areas[order], scores[order].astype(np.float64)
    similarity = oks(keypoints, keypoints, areas=areas, other_areas=areas, sigmas=sigmas)
    decay = np.exp(-(similarity**2) / threshold)
    left = np.ones(len(order), bool)
    taken: list[int] = []
    for _ in range(min(max_num, len(order))):
        best = int(np.where(left, scores, -np.inf).argmax())
        taken.append(best)
        left[best] = False
        scores *= decay[best]
    return order[taken]


def _oks_block(
    keypoints: np.ndarray,
    others: np.ndarray,
    areas: np.ndarray,
    other_areas: np.ndarray,
    sigmas: np.ndarray,
) -> np.ndarray:
    """OKS (B, M) of a few poses (B, K, 2) with all others (M, K, 2); computed as (K, B, M)."""
    x, y = np.ascontiguousarray(keypoints.transpose(2, 1, 0))
    other_x, other_y = np.ascontiguousarray(others.transpose(2, 1, 0))
    distances = (other_x[:, None, :] - x[:, :, None]) ** 2
    distances += (other_y[:, None, :] - y[:, :, None]) ** 2
    pair_areas = (areas[:, None] + other_areas[None, :]) / 2 + np.spacing(1)
    exponents = distances / ((2 * sigmas) ** 2)[:, None, None]
    exponents /= -2 * pair_areas
    np.maximum(exponents, LEAST_EXPONENT, out=exponents)
    return (np.exp(exponents, out=exponents).sum(axis=0) / len(sigmas)).astype(np.float32)


def _best_first(scores: np.ndarray) -> np.ndarray:
    """Indices of ``scores`` (N,) from the highest to the lowest, equal ones from last to first."""
    return np.argsort(scores, kind='stable')[::-1]


def _checked(
    keypoints: np.ndarray, scores: np.ndarray, areas: np.ndarray, sigmas: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The arguments as arrays of floats, after their shapes and values are checked."""
    keypoints, scores, areas = np.asarray(keypoints), np.asarray(scores), np.asarray(areas)
    sigmas = np.asarray(sigmas, np.float64)
    if not len(keypoints):
        keypoints = keypoints.reshape(0, len(sigmas), 2)
    num_poses = len(keypoints)
    if keypoints.shape != (num_poses, len(sigmas), 2):
        raise ValueError(
            f'keypoints should be (N, {len(sigmas)}, 2) for {len(sigmas)} sigmas, '
            f'but are {keypoints.shape}'
        )
    for name, values in (('scores', scores), ('areas', areas)):
        if values.shape != (num_poses,):
            raise ValueError(
                f'{name} should be ({num_poses},), one per pose, but are {values.shape}'
            )
    for name, values in (('keypoints', keypoints), ('scores', scores), ('areas', areas)):
        if not np.isfinite(values).all():
            pose = np.flatnonzero(~np.isfinite(values.reshape(num_poses, -1)).all(axis=1))[0]
            raise ValueError(f'{name} of pose {pose} are not finite: {values[pose].tolist()}')
    return keypoints, scores, areas, sigmas

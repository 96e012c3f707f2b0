"""Person boxes: from keypoints, clipped to the frame, with areas, IoU and NMS.

N, M: number of boxes; K: number of keypoints. A box is (x1, y1, x2, y2) in image space, pixels;
whole numbers are the centers of pixels, so a frame of size (w, h) spans 0 to w - 1, h - 1.
"""

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


EXTENSION = 0.15  # of the keypoints' width and height, half on each side; Xiao et al. (2018)
ASPECT = 3 / 4  # width / height of the network's input, official HRNet on COCO
PADDING = 1.25  # scale of a box before cropping, official HRNet on COCO


def boxes_around(
    keypoints: np.ndarray, present: np.ndarray, *, extension: float = EXTENSION
) -> np.ndarray:
    """The box around each pose's present keypoints, extended in width and height.

    Args:
        keypoints: (N, K, 2).
        present: (N, K) bool.
        extension: Fraction that is added to width and height.

    Returns:
        (N, 4); NaN for a pose without a present keypoint.
    """
    shown = np.asarray(present, bool)[..., None]
    low = np.where(shown, keypoints, np.inf).min(axis=1, initial=np.inf)
    high = np.where(shown, keypoints, -np.inf).max(axis=1, initial=-np.inf)
    low, high = (np.where(shown.any(axis=1), corner, np.nan) for corner in (low, high))
    margin = (high - low) * extension / 2
    return np.concatenate([low - margin, high + margin], axis=1)


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """Areas (N,) of ``boxes`` (N, 4), square pixels."""
    return np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)


def padded_areas(boxes: np.ndarray) -> np.ndarray:
    """Areas (N,) of ``boxes`` (N, 4) extended to 3:4 and padded, square pixels.

    The official HRNet uses this area for OKS. It depends little on the view (front or side) and on
    the spread of the legs.
    """
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    full_height = np.maximum(height, width / ASPECT) * PADDING
    return ASPECT * full_height**2


def clip_boxes(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The parts of ``boxes`` (N, 4) inside a frame of ``size`` (w, h); area 0 if outside."""
    last = np.subtract(size, 1)
    return np.clip(boxes, 0, np.concatenate([last, last]))


def box_iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union (N, M) of ``boxes`` (N, 4) with ``others`` (M, 4).

    It is 0 for disjoint boxes and for two boxes without area.
    """
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    union = box_areas(boxes)[:, None] + box_areas(others)[None, :] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def box_nms(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Keep the best box, drop those whose IoU with it exceeds ``threshold``, and repeat.

    Of boxes with equal scores the first one is preferred: list detected boxes before propagated
    ones to prefer them.

    Args:
        boxes: (N, 4).
        scores: (N,).
        threshold: Largest IoU of two kept boxes, in [0, 1].

    Returns:
        Kept indices, int64, in ascending order.
    """
    return suppress(box_iou(boxes, boxes) > threshold, scores)

"""Overlaps of axis-aligned boxes; hard and soft non-maximum suppression.

Shapes: boxes (N, 4) as x1, y1, x2, y2 in pixels of any one space, scores (N,).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, from_numpy

from hrnet_ext.compat.mmcv_ops.kernels import kernels
from hrnet_ext.compat.mmcv_ops.precision import computable

NAIVE, LINEAR, GAUSSIAN = 0, 1, 2
_SCORE, _AREA = 4, 5  # columns behind x1, y1, x2, y2 in the working table


def bbox_overlaps(
    bboxes1: Tensor, bboxes2: Tensor, ious: Tensor, *, mode: int, aligned: bool, offset: int
) -> None:
    """Write intersection over union, or over the first box, into `ious`.

    Args:
        bboxes1: (M, 4).
        bboxes2: (N, 4); (M, 4) when `aligned`.
        ious: (M, N), or (M,) when `aligned`; written.
        mode: 0 for intersection over union, 1 for intersection over the first box.
        aligned: pair the boxes row by row.
        offset: added to every width and height, 0 or 1.
    """
    first = bboxes1 if aligned else bboxes1[:, None]
    second = bboxes2 if aligned else bboxes2[None]
    corner = first[..., :2].maximum(second[..., :2])
    size = first[..., 2:].minimum(second[..., 2:]) - corner + offset
    intersection = size.clamp(min=0).prod(-1)
    area1 = (first[..., 2:] - first[..., :2] + offset).prod(-1)
    area2 = (second[..., 2:] - second[..., :2] + offset).prod(-1)
    base = area1 + area2 - intersection if mode == 0 else area1.expand_as(intersection)
    ious.copy_(intersection / base.clamp(min=offset))


def nms(boxes: Tensor, scores: Tensor, *, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the boxes that no better box overlaps by more than the threshold.

    Args:
        boxes: (N, 4).
        scores: (N,).
        iou_threshold: a box goes if its overlap with a kept one is greater.
        offset: added to every width and height: 1 counts pixels, as before MMDetection 2.

    Returns:
        (M,) indices into `boxes`, best score first.
    """
    boxes = computable(boxes)
    if offset:
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    order = _by_score(scores)
    rank = torch.arange(len(order), 0, -1, device=boxes.device, dtype=boxes.dtype)
    return order[kernels().nms(boxes[order], rank, _as_float32(iou_threshold))]


def nms_match(dets: Tensor, *, iou_threshold: float) -> list[list[int]]:
    """Groups of boxes: each kept box with those that it suppresses.

    Args:
        dets: (N, 5), boxes with scores.
        iou_threshold: a box joins the first kept one that it overlaps by at least this much.

    Returns:
        One list a group, groups and members by descending score; indices into `dets`.
    """
    from torchvision.ops import box_iou

    dets = computable(dets.cpu())
    remaining = _by_score(dets[:, 4])
    groups = []
    while remaining.numel():
        best, others = remaining[:1], remaining[1:]
        overlaps = box_iou(dets[best, :4], dets[others, :4])[0]
        joins = overlaps >= _as_float32(iou_threshold)
        groups.append(torch.cat([best, others[joins]]).tolist())
        remaining = others[~joins]
    return groups


def _by_score(scores: Tensor) -> Tensor:
    # Not stable, and not left to torchvision, which is: among equal scores mmcv's choice counts.
    return scores.sort(0, descending=True)[1]


def _as_float32(threshold: float) -> float:
    # mmcv compares in float32: an overlap of exactly 0.7 must not pass a threshold of 0.7.
    return torch.tensor(threshold, dtype=torch.float32).item()


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    *,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Lower the scores of overlapping boxes instead of removing them.

    Args:
        boxes: (N, 4), on the CPU.
        scores: (N,), on the CPU.
        dets: (N, 5), on the CPU; its first M rows are written: boxes with their new scores.
        iou_threshold: overlap from which the naive and the linear method act.
        sigma: width of the Gaussian method.
        min_score: boxes whose score falls below it are dropped.
        method: 0 naive (score to zero), 1 linear (times 1 - overlap), 2 Gaussian.
        offset: added to every width and height, 0 or 1.

    Returns:
        (M,) indices into `boxes`, in the order in which they were picked.
    """
    table = _table(boxes.numpy(), scores.numpy(), offset)
    order = np.arange(len(table))
    picked = dets.numpy()
    number = dets.numpy().dtype.type
    position = 0
    while position < len(table):
        best = position + int(table[position:, _SCORE].argmax())
        table[[position, best]] = table[[best, position]]
        order[[position, best]] = order[[best, position]]
        picked[position] = table[position, :5]
        rest = table[position + 1 :]
        overlap = _overlaps(table[position], rest, offset)
        rest[:, _SCORE] *= _decay(overlap, method, number(iou_threshold), number(sigma))
        survivors = position + 1 + _compacted(rest[:, _SCORE] >= number(min_score))
        kept = np.concatenate([np.arange(position + 1), survivors])
        table, order = table[kept], order[kept]
        position += 1
    return from_numpy(order)


def _table(boxes: np.ndarray, scores: np.ndarray, offset: int) -> np.ndarray:
    areas = (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)
    return np.concatenate([boxes, scores[:, None], areas[:, None]], axis=1)


def _overlaps(box: np.ndarray, others: np.ndarray, offset: int) -> np.ndarray:
    corner = np.maximum(box[:2], others[:, :2])
    size = np.minimum(box[2:4], others[:, 2:4]) - corner + offset
    intersection = size.clip(min=0).prod(axis=1)
    union = box[_AREA] + others[:, _AREA] - intersection
    # Two boxes without area do not overlap; mmcv's 0 / 0 would give the second a score of nan.
    return np.divide(intersection, union, out=np.zeros_like(union), where=union != 0)


def _decay(overlap: np.ndarray, method: int, threshold: float, sigma: float) -> np.ndarray:
    if method == GAUSSIAN:
        # By way of float64, as exact as the C library's: equal scores shall stay equal.
        return np.exp((-(overlap * overlap) / sigma).astype(np.float64)).astype(overlap.dtype)
    lowered = 1 - overlap if method == LINEAR else np.zeros_like(overlap)
    return np.where(overlap >= threshold, lowered, np.ones_like(overlap))


def _compacted(keeps: np.ndarray) -> np.ndarray:
    """Positions of the survivors, holes filled from the back.

    mmcv drops a box by moving the last one into its place; that order decides which of two equal
    scores is picked first.
    """
    num_kept = int(keeps.sum())
    positions = np.arange(num_kept)
    from_back = np.flatnonzero(keeps[num_kept:])[::-1] + num_kept
    positions[~keeps[:num_kept]] = from_back
    return positions

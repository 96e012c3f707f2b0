"""Non-maximum suppression.

Shapes: boxes (N, 4) as x1, y1, x2, y2 in pixels of any one space, scores (N,).
Source: greedy suppression as in torchvision, by mmcv's conventions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hrnet_ext.compat.mmcv_ops.kernels import kernels
from hrnet_ext.compat.mmcv_ops.precision import computable


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

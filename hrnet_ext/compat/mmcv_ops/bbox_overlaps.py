"""Overlaps of axis-aligned boxes.

Shapes: boxes (N, 4) as x1, y1, x2, y2 in pixels of any one space.
"""

from __future__ import annotations

from torch import Tensor


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

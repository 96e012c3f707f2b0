"""The share of keypoints that a training batch gets right, computed on the device.

Legend: B samples; K keypoints; heatmaps (B, K, H, W); weights (B, K), a keypoint counts if > 0.
"""

import torch
from torch import Tensor

from hrnet_ext.codecs.decoding import heatmap_maximum


def heatmap_accuracy(
    output: Tensor, target: Tensor, weights: Tensor, threshold: float = 0.05
) -> Tensor:
    """PCK of the maxima: the share of samples near their target, averaged over keypoints.

    A scalar tensor on the heatmaps' device: only reading it synchronizes. The value is that of
    MMPose's ``pose_pck_accuracy``, which divides x by H and y by W.

    Args:
        output: Predicted heatmaps (B, K, H, W).
        target: Encoded heatmaps (B, K, H, W).
        weights: (B, K).
        threshold: Largest distance that counts as right, as a share of the heatmap's side.
    """
    found, _ = heatmap_maximum(output.detach().float())
    wanted, _ = heatmap_maximum(target)
    height, width = output.shape[-2:]
    dx, dy = (found - wanted).unbind(-1)
    distance = torch.stack([dx / height, dy / width], -1).norm(dim=-1)
    counted = weights > 0
    right = (distance < threshold) & counted
    num_counted = counted.sum(0)
    share = right.sum(0) / num_counted.clamp(min=1)
    return share.sum() / (num_counted > 0).sum().clamp(min=1)

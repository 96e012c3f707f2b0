"""The flip test: average the heatmaps of crops and of their mirror images.

Legend: B crops; K keypoints; heatmaps (B, K, H, W).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from hrnet_ext.codecs.constants import on_device

PIXELS_PER_CHUNK = 2**18  # a megabyte, which stays in a CPU's cache between the steps


def merge_flipped(
    heatmaps: Tensor, mirrored: Tensor, flip_indices: Sequence[int], *, shift: bool
) -> Tensor:
    """The mean of heatmaps and of mirrored ones flipped back, equal to MMPose's.

    Args:
        heatmaps: Of the crops.
        mirrored: Of the mirrored crops.
        flip_indices: The K keypoints' mirror images.
        shift: Move the flipped-back ones a pixel to the right, which aligns them with the others
            because of the network's strides; their first column stays.
    """
    order = on_device(tuple(flip_indices), torch.long, heatmaps.device)
    heatmaps, mirrored = heatmaps.detach().contiguous(), mirrored.detach().contiguous()
    merged = torch.empty_like(heatmaps)
    on_cpu = heatmaps.device.type == 'cpu'
    step = max(1, PIXELS_PER_CHUNK // heatmaps[0].numel()) if on_cpu else len(heatmaps)
    for mean, own, other in zip(*(each.split(step) for each in (merged, heatmaps, mirrored))):
        back = other.index_select(1, order).flip(-1)
        if shift:
            # Shift the flattened maps, then correct the first column (the end of the row above).
            torch.add(own.view(-1)[1:], back.view(-1)[:-1], out=mean.view(-1)[1:])
            torch.add(own[..., 0], back[..., 0], out=mean[..., 0])
        else:
            torch.add(own, back, out=mean)
        mean *= 0.5
    return merged

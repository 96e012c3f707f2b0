"""How many channels the images of a network have, and in what order.

Legend: images (..., C, H, W).
"""

import torch
from torch import Tensor, nn


def input_channels(network: nn.Module) -> int:
    """Channels of a backbone's or a model's images: what its first convolution takes; else 3."""
    backbone = getattr(network, 'backbone', network)
    layers = (layer for layer in backbone.modules() if isinstance(layer, nn.Conv2d))
    return next((layer.in_channels for layer in layers), 3)


def swap_colors(images: Tensor) -> Tensor:
    """BGR to RGB, or back; channels after the third stay, and gray images are as they were."""
    if images.shape[-3] <= 3:
        return images.flip(-3)
    return torch.cat([images[..., :3, :, :].flip(-3), images[..., 3:, :, :]], -3)

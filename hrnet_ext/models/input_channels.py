"""How many channels the images of a network have."""

from torch import nn


def input_channels(network: nn.Module) -> int:
    """Channels of a backbone's or a model's images: what its first convolution takes; else 3."""
    backbone = getattr(network, 'backbone', network)
    layers = (layer for layer in backbone.modules() if isinstance(layer, nn.Conv2d))
    return next((layer.in_channels for layer in layers), 3)

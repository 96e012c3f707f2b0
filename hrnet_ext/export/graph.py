"""The deployable graph: crops in, keypoints out, all in one module.

Legend: B crops; K keypoints; crops (B, H, W, 3) uint8 BGR; images (B, 3, H, W) float32,
normalized; heatmaps (B, K, h, w); keypoints (B, K, 2) in input space.
"""

from __future__ import annotations

import copy

import torch
from mmcv.cnn import fuse_conv_bn
from torch import Tensor, nn

from hrnet_ext.export.decoding import Decoder
from hrnet_ext.export.metadata import Metadata
from hrnet_ext.models.input_channels import swap_colors


class PoseGraph(nn.Module):
    """The exported part of a top-down model.

    Args:
        model: A pose estimator with a heatmap head and an MSRA codec; it is not changed.
        metadata: Whether the graph normalizes and flips, and the keypoints' mirror images.
        dtype: Number format of the network; head and decoding stay in float32.
        with_heatmaps: Return the heatmaps as third output.
    """

    def __init__(
        self,
        model: nn.Module,
        metadata: Metadata,
        *,
        dtype: torch.dtype = torch.float32,
        with_heatmaps: bool = False,
    ) -> None:
        super().__init__()
        self.normalize = Normalize(metadata) if metadata.normalizes else nn.Identity()
        network = Network(model, dtype)
        self.estimate = FlipTest(network, model, metadata) if metadata.flip_test else network
        self.decode = Decoder(model.head.decoder)
        self.with_heatmaps = with_heatmaps
        self.eval()
        self.requires_grad_(False)

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Crops (images if it does not normalize) -> keypoints, scores, optionally heatmaps."""
        heatmaps = self.estimate(self.normalize(crops))
        keypoints, scores = self.decode(heatmaps)
        return (keypoints, scores, heatmaps) if self.with_heatmaps else (keypoints, scores)


class Normalize(nn.Module):
    """Crops -> images, as in ``PoseDataPreprocessor``."""

    def __init__(self, metadata: Metadata) -> None:
        super().__init__()
        self.bgr_to_rgb = metadata.bgr_to_rgb
        self.register_buffer('mean', torch.tensor(metadata.mean).view(1, -1, 1, 1))
        self.register_buffer('std', torch.tensor(metadata.std).view(1, -1, 1, 1))

    def forward(self, crops: Tensor) -> Tensor:
        pixels = crops.permute(0, 3, 1, 2)
        pixels = swap_colors(pixels) if self.bgr_to_rgb else pixels
        return (pixels.float() - self.mean) / self.std


class Network(nn.Module):
    """Images -> heatmaps: backbone with folded batch norms, neck if any, head."""

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        backbone = fuse_conv_bn(copy.deepcopy(model.backbone))
        self.backbone = backbone.to(dtype=dtype, memory_format=torch.contiguous_format)
        self.neck = copy.deepcopy(model.neck).to(dtype) if model.with_neck else nn.Identity()
        self.head = copy.deepcopy(model.head)
        self.dtype = dtype

    def forward(self, images: Tensor) -> Tensor:
        maps = self.neck(self.backbone(images.to(self.dtype)))
        return self.head([x.float() for x in maps])


class FlipTest(nn.Module):
    """Images -> heatmaps, averaged with those of the mirrored images, in one batch of 2B.

    Args:
        network: Images -> heatmaps.
        model: Its ``test_cfg`` says whether the mirrored heatmaps are shifted by a pixel.
        metadata: The keypoints' mirror images.
    """

    def __init__(self, network: nn.Module, model: nn.Module, metadata: Metadata) -> None:
        super().__init__()
        self.network = network
        self.shift = bool(model.test_cfg.get('shift_heatmap', False))
        indices = torch.tensor(metadata.keypoints.flip_indices)
        self.register_buffer('flip_indices', indices)

    def forward(self, images: Tensor) -> Tensor:
        batch = images.shape[0]
        both = self.network(torch.cat([images, images.flip(-1)]))
        mirrored = both[batch:].flip(-1).index_select(1, self.flip_indices)
        if self.shift:
            mirrored = torch.cat([mirrored[..., :1], mirrored[..., :-1]], -1)
        return (both[:batch] + mirrored) * 0.5

"""HRNet as the official releases wrap it: our backbone, and heads after the papers, their names.

A network's state dict has the names, shapes and order of the released file.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hrnet_ext.models import HRNet, HRNetV2
from hrnet_ext.models.layers import Bottleneck, Layers

# variant -> arguments of the backbone
FAMILY = {
    'w18_small_v1': {
        'width': 16,
        'num_modules': (1, 1, 1),
        'num_blocks': (1, 2, 2, 2),
        'bottleneck_width': 32,
    },
    'w18_small_v2': {'width': 18, 'num_modules': (1, 3, 2), 'num_blocks': (2, 2, 2, 2)},
    **{f'w{width}': {'width': width} for width in (18, 30, 32, 40, 44, 48, 64)},
}
BRANCHES = range(4)


class OfficialNetwork(nn.Module):
    """The backbone's tensors stand beside the head's, without prefix."""

    backbone_type: type[HRNet] = HRNetV2

    def __init__(self, variant: str) -> None:
        super().__init__()
        backbone = self.backbone_type(**FAMILY[variant])
        for name, child in backbone.named_children():
            self.add_module(name, child)
        self.run_backbone = backbone.forward  # a function: no child of this network
        self.channels = [FAMILY[variant]['width'] * 2**i for i in BRANCHES]


class Classifier(OfficialNetwork):
    """HRNet-W*-C of HRNet-Image-Classification: bottlenecks to 128 ... 1024, summed downwards."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        targets = [128 * 2**i for i in BRANCHES]
        self.incre_modules = nn.ModuleList(
            nn.Sequential(Bottleneck(source, target, layers=Layers()))
            for source, target in zip(self.channels, targets)
        )
        self.downsamp_modules = nn.ModuleList(
            _conv_norm_relu(source, target, 3, stride=2) for source, target in pairwise(targets)
        )
        self.final_layer = _conv_norm_relu(targets[-1], 2048, 1)
        self.classifier = nn.Linear(2048, 1000)

    def forward(self, images: Tensor) -> Tensor:
        maps = [module(x) for module, x in zip(self.incre_modules, self.run_backbone(images))]
        total = maps[0]
        for module, x in zip(self.downsamp_modules, maps[1:]):
            total = x + module(total)
        return self.classifier(self.final_layer(total).mean((2, 3)))


class OnAllMaps(OfficialNetwork):
    """Two 1x1 convolutions on all maps, enlarged to the finest."""

    head_name: str
    num_outputs: int

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        width = sum(self.channels)
        head = nn.Sequential(
            *_conv_norm_relu(width, width, 1), nn.Conv2d(width, self.num_outputs, 1)
        )
        self.add_module(self.head_name, head)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.run_backbone(images)
        size = maps[0].shape[-2:]
        enlarged = [F.interpolate(x, size=size, mode='bilinear') for x in maps]
        return getattr(self, self.head_name)(torch.cat(enlarged, 1))


class Segmenter(OnAllMaps):
    """HRNetV2 of HRNet-Semantic-Segmentation, for Cityscapes' 19 classes."""

    head_name = 'last_layer'
    num_outputs = 19


class FaceNetwork(OnAllMaps):
    """HRNetV2 of HRNet-Facial-Landmark-Detection, for WFLW's 98 landmarks."""

    head_name = 'head'
    num_outputs = 98


class PoseNetwork(OfficialNetwork):
    """HRNet of deep-high-resolution-net, for COCO's 17 keypoints."""

    backbone_type = HRNet

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.final_layer = nn.Conv2d(self.channels[0], 17, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.final_layer(self.run_backbone(images)[0])


def _conv_norm_relu(source: int, target: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Unlike the backbone's, these convolutions have a bias."""
    return nn.Sequential(
        nn.Conv2d(source, target, kernel, stride, kernel // 2), nn.BatchNorm2d(target), nn.ReLU()
    )

"""HRNet-W18-small-v1 of the official ImageNet release: 16 channels, one module a stage.

Its ImageNet weights are on OneDrive alone (HRNet-Image-Classification); start from a downloaded
file with `model.backbone.init_cfg.type=Pretrained model.backbone.init_cfg.checkpoint=FILE`.
"""

_base_ = 'hrnet_w32.py'
model = dict(
    backbone=dict(
        width=16,
        num_modules=(1, 1, 1),
        num_blocks=(1, 2, 2, 2),
        bottleneck_width=32,
        init_cfg=None,
    ),
    head=dict(in_channels=16),
)

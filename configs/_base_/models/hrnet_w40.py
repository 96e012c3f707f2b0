"""HRNet-W40, from its ImageNet weights. No COCO weights were released."""

_base_ = 'hrnet_w32.py'
model = dict(
    backbone=dict(
        width=40,
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/pretrain/third_party/hrnetv2_w40-ed0b031c.pth',
        ),
    ),
    head=dict(in_channels=40),
)

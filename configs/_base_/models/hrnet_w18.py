"""HRNet-W18, from its ImageNet weights. No COCO weights were released."""

_base_ = 'hrnet_w32.py'
model = dict(
    backbone=dict(
        width=18,
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/pretrain/third_party/hrnetv2_w18-00eb2006.pth',
        ),
    ),
    head=dict(in_channels=18),
)

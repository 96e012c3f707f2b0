"""HRNet-W64, from its ImageNet weights. No COCO weights were released."""

_base_ = 'hrnet_w32.py'
model = dict(
    backbone=dict(
        width=64,
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmclassification/v0/hrnet/hrnet-w64_3rdparty_8xb32_in1k_20220120-19126642.pth',
        ),
    ),
    head=dict(in_channels=64),
)

"""HRNet-W30, from its ImageNet weights. No COCO weights were released."""

_base_ = 'hrnet_w32.py'
model = dict(
    backbone=dict(
        width=30,
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmclassification/v0/hrnet/hrnet-w30_3rdparty_8xb32_in1k_20220120-8aa3832f.pth',
        ),
    ),
    head=dict(in_channels=30),
)

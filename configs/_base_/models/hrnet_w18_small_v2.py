"""HRNet-W18-small-v2 of the official ImageNet release: half of W18's blocks, fewer modules."""

_base_ = 'hrnet_w18.py'
model = dict(
    backbone=dict(
        num_modules=(1, 3, 2),
        num_blocks=(2, 2, 2, 2),
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/pretrain/third_party/hrnetv2_w18_small-b5a04e21.pth',
        ),
    ),
)

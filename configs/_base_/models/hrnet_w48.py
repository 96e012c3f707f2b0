"""HRNet-W48: W32 with one and a half times the channels."""

_base_ = 'hrnet_w32.py'
model = dict(
    backbone=dict(
        width=48,
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w48-8ef0771d.pth',
        ),
    ),
    head=dict(in_channels=48),
)

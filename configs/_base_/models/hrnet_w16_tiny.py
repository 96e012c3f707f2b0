"""A quarter-size HRNet for CPUs: 16 channels, one module a stage, trained from scratch."""

_base_ = 'hrnet_w32.py'
model = dict(
    channels_last=True,
    backbone=dict(width=16, num_modules=(1, 1, 1), init_cfg=None),
    head=dict(in_channels=16),
)

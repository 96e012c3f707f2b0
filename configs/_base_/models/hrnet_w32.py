"""HRNet-W32 with a 1x1 convolution as head; each config sets `head.decoder` to its codec."""

model = dict(
    type='hrnet_ext.TopdownPoseEstimator',
    data_preprocessor=dict(
        type='hrnet_ext.PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        non_blocking=True,
    ),
    backbone=dict(
        type='hrnet_ext.HRNet',
        width=32,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w32-36af842e.pth',
        ),
    ),
    head=dict(
        type='hrnet_ext.HeatmapHead',
        in_channels=32,
        out_channels=17,
        deconv_out_channels=None,
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
    ),
    test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=True),
)

_base_ = [
    '_base_/models/hrnet_w32.py',
    '_base_/datasets/posetrack18_384x288.py',
    '_base_/schedules/adam_20e.py',
    '_base_/default_runtime.py',
]
model = dict(
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/topdown_heatmap/coco/td-hm_hrnet-w32_8xb64-210e_coco-384x288-ca5956af_20220909.pth',
    ),
    backbone=dict(init_cfg=None),
    head=dict(decoder=_base_.codec),
)
default_hooks = dict(checkpoint=dict(interval=1, save_best='posetrack18/AP'))

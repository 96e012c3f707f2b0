"""MMDetection's Faster R-CNN on our HRNetV2p-W18: rendered people, from scratch, in minutes.

Only `type` and what training without released weights on one core asks for differ from
MMDetection's config: `python tools/train.py faster-rcnn_hrnetv2p-w18_synthetic`.
"""

_base_ = 'mmdet::hrnet/faster-rcnn_hrnetv2p-w18-1x_coco.py'
custom_imports = dict(imports=['hrnet_ext'])  # replaces missing compiled operators of mmcv

people = dict(
    data_root='data/synthetic/easy/',
    metainfo=dict(classes=('person',)),
    ann_file='annotations/person_keypoints_train2017.json',
    data_prefix=dict(img='train2017/'),
)
held_out = dict(
    people,
    ann_file='annotations/person_keypoints_val2017.json',
    data_prefix=dict(img='val2017/'),
)
scale = (128, 128)
max_iters = 400

model = dict(
    backbone=dict(
        type='hrnet_ext.HRNetV2',
        norm_eval=False,  # training starts without running statistics
        init_cfg=None,
    ),
    rpn_head=dict(anchor_generator=dict(scales=[4])),  # people are 30 to 100 pixels high
    roi_head=dict(bbox_head=dict(num_classes=1)),
    train_cfg=dict(rpn_proposal=dict(max_per_img=200), rcnn=dict(sampler=dict(num=64))),
    test_cfg=dict(rpn=dict(max_per_img=100), rcnn=dict(max_per_img=10)),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=1,
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(**people, pipeline=train_pipeline),
)
val_dataloader = dict(batch_size=4, num_workers=1, dataset=dict(**held_out, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=held_out['data_root'] + held_out['ann_file'])
test_evaluator = val_evaluator

train_cfg = dict(
    _delete_=True, type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters
)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=5e-4, weight_decay=0.01),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=50, end=max_iters, eta_min=1e-5),
]
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(by_epoch=False, interval=max_iters))
log_processor = dict(window_size=20, by_epoch=False)

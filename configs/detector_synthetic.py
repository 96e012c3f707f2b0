"""A person detector that a CPU trains on rendered people in minutes: half of RTMDet-tiny.

It is trained on the images and the videos of `tools/make_synthetic.py`, and is validated on
validation images: `python tools/train.py configs/detector_synthetic.py`, or `mim train mmdet`.
"""

_base_ = 'mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py'
custom_imports = dict(imports=['hrnet_ext'])  # replaces missing compiled operators of mmcv

images = 'data/synthetic/easy/'
videos = 'data/synthetic/posetrack18/'
people = dict(type='CocoDataset', metainfo=dict(classes=('person',)))
side = 256
max_epochs = 3

model = dict(
    backbone=dict(widen_factor=0.25, init_cfg=None, norm_cfg=dict(type='BN')),
    neck=dict(in_channels=[64, 128, 256], out_channels=64, norm_cfg=dict(type='BN')),
    bbox_head=dict(num_classes=1, in_channels=64, feat_channels=64, norm_cfg=dict(type='BN')),
)

load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True)]
fit = [
    dict(type='Resize', scale=(side, side), keep_ratio=True),
    dict(type='Pad', size=(side, side), pad_val=dict(img=(114, 114, 114))),
]
train_pipeline = [
    *load,
    dict(type='RandomResize', scale=(side, side), ratio_range=(0.6, 1.4), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(side, side)),
    dict(type='YOLOXHSVRandomAug'),
    dict(type='RandomFlip', prob=0.5),
    fit[1],
    dict(type='PackDetInputs'),
]
test_pipeline = [
    load[0],
    *fit,
    load[1],
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]

train_sets = [
    dict(
        **people,
        data_root=images,
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
    dict(
        **people,
        data_root=videos,
        ann_file='annotations/posetrack18_train.json',
        data_prefix=dict(img=''),
        filter_cfg=dict(filter_empty_gt=True),  # also removes unlabeled frames
        pipeline=train_pipeline,
    ),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    pin_memory=False,
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=train_sets),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(
        **people,
        data_root=images,
        ann_file='annotations/person_keypoints_val2017.json',
        data_prefix=dict(img='val2017/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=f'{images}annotations/person_keypoints_val2017.json')
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs, dynamic_intervals=None)
optim_wrapper = dict(type='hrnet_ext.AmpOptimWrapper', dtype='auto', optimizer=dict(lr=0.002))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', eta_min=0, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(
    logger=dict(interval=25),
    checkpoint=dict(
        type='hrnet_ext.CheckpointHook', interval=max_epochs, save_best='coco/bbox_mAP_50'
    ),
)
custom_hooks = []
auto_scale_lr = dict(base_batch_size=16)

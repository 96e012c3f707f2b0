"""MMSegmentation's FCN on our HRNet-W18-small-v2: masks of rendered people, in minutes.

Only `type` and what training without released weights on one core asks for differ from
MMSegmentation's config. Render the people and their masks first::

    python tools/make_synthetic.py data/synthetic/easy
    for split in train2017 val2017; do
        python tools/make_person_masks.py \
            data/synthetic/easy/annotations/person_keypoints_$split.json \
            data/synthetic/easy_masks/$split
    done
    python tools/train.py fcn_hr18s_synthetic
"""

_base_ = 'mmseg::hrnet/fcn_hr18s_4xb4-20k_voc12aug-512x512.py'
custom_imports = dict(imports=['hrnet_ext'])  # replaces missing compiled operators of mmcv

size = (128, 128)
max_iters = 200

model = dict(
    data_preprocessor=dict(size=size),
    pretrained=None,
    backbone=dict(type='hrnet_ext.HRNetV2'),
    decode_head=dict(num_classes=2),
)

people = dict(
    _delete_=True,
    type='BaseSegDataset',
    data_root='data/synthetic/',
    metainfo=dict(classes=('background', 'person'), palette=[[0, 0, 0], [255, 128, 0]]),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', scale=size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=size),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        **people,
        data_prefix=dict(img_path='easy/train2017', seg_map_path='easy_masks/train2017'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        **people,
        data_prefix=dict(img_path='easy/val2017', seg_map_path='easy_masks/val2017'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.01),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=30, end=max_iters, eta_min=1e-5),
]
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=max_iters))
log_processor = dict(window_size=20)

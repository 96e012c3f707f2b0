"""Rendered people (`tools/make_synthetic.py`), cropped to 128x96 (h x w), in COCO's layout."""

dataset_type = 'hrnet_ext.CocoDataset'
data_mode = 'topdown'
data_root = 'data/synthetic/easy/'
how_to_get = f'render the data: python tools/make_synthetic.py {data_root}'

# Coding by whole pixels alone would cap AP at .89 at this size.
codec = dict(
    type='hrnet_ext.MSRAHeatmap',
    input_size=(96, 128),
    heatmap_size=(24, 32),
    sigma=1.5,
    unbiased=True,
)  # (w, h)

train_pipeline = [
    dict(type='hrnet_ext.LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(
        type='RandomBBoxTransform',
        shift_factor=0.08,
        scale_factor=(0.8, 1.2),
        rotate_factor=30,
        rotate_prob=0.5,
    ),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='hrnet_ext.KeypointTargets'),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='hrnet_ext.LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
        how_to_get=how_to_get,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    batch_sampler=dict(type='hrnet_ext.WholeBatches'),  # same results in any number of processes
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        ann_file='annotations/person_keypoints_val2017.json',
        data_prefix=dict(img='val2017/'),
        how_to_get=how_to_get,
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='hrnet_ext.CocoMetric')  # on ground-truth boxes
test_evaluator = val_evaluator

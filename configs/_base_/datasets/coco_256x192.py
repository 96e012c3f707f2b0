"""COCO, cropped to 256x192 (h x w). The head computes the targets on the device.

The codec is defined here once. To change it, do as `coco_384x288.py` does: setting `codec` alone
would leave the pipelines at the old size.
"""

dataset_type = 'hrnet_ext.CocoDataset'
data_mode = 'topdown'
data_root = 'data/coco/'

codec = dict(
    type='hrnet_ext.MSRAHeatmap', input_size=(192, 256), heatmap_size=(48, 64), sigma=2
)  # (w, h)

train_pipeline = [
    dict(type='hrnet_ext.LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='hrnet_ext.RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='hrnet_ext.RandomBBoxTransform'),
    dict(type='hrnet_ext.TopdownAffine', input_size=codec['input_size']),
    dict(type='hrnet_ext.KeypointTargets'),
    dict(type='hrnet_ext.PackPoseInputs'),
]
val_pipeline = [
    dict(type='hrnet_ext.LoadImage', reuse=True),  # successive samples share an image
    dict(type='GetBBoxCenterScale'),
    dict(type='hrnet_ext.TopdownAffine', input_size=codec['input_size']),
    dict(type='hrnet_ext.PackPoseInputs'),
]

train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type='hrnet_ext.stack_samples'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    batch_sampler=dict(
        type='hrnet_ext.EvaluationBatchSampler'
    ),  # same results in any number of processes
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        ann_file='annotations/person_keypoints_val2017.json',
        # relative to data_root; if it does not exist: ground-truth boxes and a warning
        bbox_file='person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
        data_prefix=dict(img='val2017/'),
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
# MMPose's inferencers read the test loader and do not support a collate_fn.
val_dataloader = dict(**test_dataloader, collate_fn=dict(type='hrnet_ext.stack_samples'))

val_evaluator = dict(type='hrnet_ext.CocoMetric')  # uses the annotation file of the data loader
test_evaluator = val_evaluator

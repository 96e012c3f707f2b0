"""MPII, cropped to 256x256 around the annotated center and scale."""

_base_ = 'coco_256x192.py'

dataset_type = 'hrnet_ext.MpiiDataset'
data_root = 'data/mpii/'

codec = dict(
    type='hrnet_ext.MSRAHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=2
)  # (w, h)

# No shift and no half bodies, as in MMPose and the official release.
vary = dict(type='hrnet_ext.RandomBBoxTransform', shift_prob=0)
crop = dict(type='hrnet_ext.TopdownAffine', input_size=codec['input_size'])
train_pipeline = [
    next((new for new in (vary, crop) if new['type'] == step['type']), step)
    for step in _base_.train_pipeline
    if step['type'] != 'RandomHalfBody'
]
val_pipeline = [crop if step['type'] == crop['type'] else step for step in _base_.val_pipeline]

train_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/mpii_train.json',
        data_prefix=dict(img='images/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/mpii_val.json',
        # relative to data_root; not read if the annotations contain head boxes (converted ones do)
        headbox_file='annotations/mpii_gt_val.mat',
        bbox_file=None,  # MPII annotates the position and scale of every person
        data_prefix=dict(img='images/'),
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='hrnet_ext.MpiiMetric')
test_evaluator = val_evaluator

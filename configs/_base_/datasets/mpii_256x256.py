"""MPII people, cropped to 256x256 around MPII's centre and scale."""

_base_ = 'coco_256x192.py'

dataset_type = 'hrnet_ext.MpiiDataset'
data_root = 'data/mpii/'

codec = dict(
    type='hrnet_ext.MSRAHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=2
)  # (w, h)

# No shift and no half bodies, as in MMPose and the official release.
vary = dict(type='hrnet_ext.RandomBBoxTransform', shift_prob=0)
crop = dict(type='hrnet_ext.TopdownAffine', input_size=codec['input_size'])
train_pipeline = [*_base_.train_pipeline[:3], vary, crop, *_base_.train_pipeline[-2:]]
val_pipeline = [*_base_.val_pipeline[:-2], crop, _base_.val_pipeline[-1]]

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
        # relative to data_root; not read where the annotations hold head boxes, as converted ones
        headbox_file='annotations/mpii_gt_val.mat',
        bbox_file=None,  # MPII says where everybody is
        data_prefix=dict(img='images/'),
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='hrnet_ext.MpiiMetric')
test_evaluator = val_evaluator

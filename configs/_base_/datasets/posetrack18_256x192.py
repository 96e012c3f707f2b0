"""PoseTrack18, cropped to 256x192 (h x w). Training boxes are keypoint boxes plus 15 %."""

_base_ = 'coco_256x192.py'

dataset_type = 'hrnet_ext.PoseTrack18Dataset'
data_root = 'data/posetrack18/'

train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/posetrack18_train.json',
        data_prefix=dict(img=''),
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/posetrack18_val.json',
        # relative to data_root; if it does not exist: ground-truth boxes and a warning
        bbox_file='annotations/posetrack18_val_human_detections.json',
        filter_cfg=dict(bbox_score_thr=0.4),
        data_prefix=dict(img=''),
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='hrnet_ext.PoseTrackMetric')  # uses the annotations of the data loader
test_evaluator = val_evaluator

"""PoseTrack18 people, cropped to 256x192 (h x w); training boxes are keypoint boxes and 15 %."""

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
        # relative to data_root; ground-truth boxes, and a warning, where it is missing
        bbox_file='annotations/posetrack18_val_human_detections.json',
        filter_cfg=dict(bbox_score_thr=0.4),
        data_prefix=dict(img=''),
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='hrnet_ext.PoseTrackMetric')  # on the annotations of its dataloader
test_evaluator = val_evaluator

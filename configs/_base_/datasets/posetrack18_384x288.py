"""PoseTrack18, cropped to 384x288 (h x w)."""

_base_ = 'posetrack18_256x192.py'

codec = dict(
    type='hrnet_ext.MSRAHeatmap', input_size=(288, 384), heatmap_size=(72, 96), sigma=3
)  # (w, h)

crop = dict(type='hrnet_ext.TopdownAffine', input_size=codec['input_size'])
train_pipeline = [crop if step['type'] == crop['type'] else step for step in _base_.train_pipeline]
val_pipeline = [crop if step['type'] == crop['type'] else step for step in _base_.val_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader

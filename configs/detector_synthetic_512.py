"""`detector_synthetic` and its weights with larger images, for frames with many people."""

_base_ = 'detector_synthetic.py'

side = 512
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type='Resize', scale=(side, side), keep_ratio=True),
    dict(type='Pad', size=(side, side), pad_val=dict(img=(114, 114, 114))),
    *_base_.test_pipeline[3:],
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

"""Rendered people (`tools/make_synthetic.py`), cropped to 128x96 (h x w), in COCO's layout."""

_base_ = ['coco_256x192.py', 'mild_variation.py']

data_root = 'data/synthetic/easy/'
how_to_get = f'render the data: python tools/make_synthetic.py {data_root}'

# At this size, rounding to whole pixels would limit AP to .89.
codec = dict(
    type='hrnet_ext.MSRAHeatmap',
    input_size=(96, 128),
    heatmap_size=(24, 32),
    sigma=1.5,
    unbiased=True,
)  # (w, h)

crop = dict(type='hrnet_ext.TopdownAffine', input_size=codec['input_size'])
train_pipeline = [
    next((new for new in (_base_.mild, crop) if new['type'] == step['type']), step)
    for step in _base_.train_pipeline
    if step['type'] != 'RandomHalfBody'
]
val_pipeline = [crop if step['type'] == crop['type'] else step for step in _base_.val_pipeline]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(data_root=data_root, how_to_get=how_to_get, pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        data_root=data_root,
        how_to_get=how_to_get,
        bbox_file=None,  # ground-truth boxes
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader

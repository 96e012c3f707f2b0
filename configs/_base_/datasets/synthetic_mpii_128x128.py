"""Rendered people in MPII's layout (`tools/make_synthetic.py`), cropped to 128x128."""

_base_ = ['mpii_256x256.py', 'mild_variation.py']

data_root = 'data/synthetic/mpii/'
how_to_get = f'render the data: python tools/make_synthetic.py {data_root} --layout mpii'

# Coding by whole pixels alone would cap PCKh@0.1 at this size.
codec = dict(
    type='hrnet_ext.MSRAHeatmap',
    input_size=(128, 128),
    heatmap_size=(32, 32),
    sigma=1.5,
    unbiased=True,
)  # (w, h)

crop = dict(type='hrnet_ext.TopdownAffine', input_size=codec['input_size'])
train_pipeline = [*_base_.train_pipeline[:3], _base_.mild, crop, *_base_.train_pipeline[-2:]]
val_pipeline = [*_base_.val_pipeline[:-2], crop, _base_.val_pipeline[-1]]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(data_root=data_root, how_to_get=how_to_get, pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        data_root=data_root, how_to_get=how_to_get, headbox_file=None, pipeline=val_pipeline
    ),
)
test_dataloader = val_dataloader

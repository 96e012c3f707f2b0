"""Rendered butterflies with five keypoints (`tools/make_butterflies.py`): other keypoints."""

_base_ = 'synthetic_128x96.py'

data_root = 'data/butterflies/'
how_to_get = f'render the data: python tools/make_butterflies.py {data_root}'

# The keypoints, in the order of the annotations.
metainfo = dict(
    dataset_name='butterflies',
    keypoint_info={
        0: dict(name='head', id=0, color=[240, 228, 66], type='upper', swap=''),
        1: dict(
            name='left_fore_wing', id=1, color=[86, 180, 233], type='upper', swap='right_fore_wing'
        ),
        2: dict(
            name='right_fore_wing', id=2, color=[213, 94, 0], type='upper', swap='left_fore_wing'
        ),
        3: dict(
            name='left_hind_wing', id=3, color=[86, 180, 233], type='lower', swap='right_hind_wing'
        ),
        4: dict(
            name='right_hind_wing', id=4, color=[213, 94, 0], type='lower', swap='left_hind_wing'
        ),
    },
    skeleton_info={
        0: dict(link=('head', 'left_fore_wing'), id=0, color=[86, 180, 233]),
        1: dict(link=('head', 'right_fore_wing'), id=1, color=[213, 94, 0]),
        2: dict(link=('head', 'left_hind_wing'), id=2, color=[86, 180, 233]),
        3: dict(link=('head', 'right_hind_wing'), id=3, color=[213, 94, 0]),
    },
    joint_weights=[1.0] * 5,
    sigmas=[0.05] * 5,  # OKS constants; COCO's are 0.025 to 0.107
)

codec = dict(input_size=(96, 96), heatmap_size=(24, 24))  # (w, h)

crop = dict(type='hrnet_ext.TopdownAffine', input_size=codec['input_size'])
train_pipeline = [crop if step['type'] == crop['type'] else step for step in _base_.train_pipeline]
val_pipeline = [crop if step['type'] == crop['type'] else step for step in _base_.val_pipeline]

butterflies = dict(
    metainfo=metainfo, data_root=data_root, how_to_get=how_to_get, data_prefix=dict(img='images/')
)
train_dataloader = dict(
    dataset=dict(**butterflies, ann_file='annotations/train.json', pipeline=train_pipeline)
)
val_dataloader = dict(
    dataset=dict(**butterflies, ann_file='annotations/val.json', pipeline=val_pipeline)
)
test_dataloader = val_dataloader

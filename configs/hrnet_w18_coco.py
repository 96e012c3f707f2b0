_base_ = [
    '_base_/models/hrnet_w18.py',
    '_base_/datasets/coco_256x192.py',
    '_base_/schedules/adam_210e.py',
    '_base_/default_runtime.py',
]
model = dict(head=dict(decoder=_base_.codec))

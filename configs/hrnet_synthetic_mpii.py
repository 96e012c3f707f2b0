_base_ = [
    '_base_/models/hrnet_w16_tiny.py',
    '_base_/datasets/synthetic_mpii_128x128.py',
    '_base_/schedules/adam_one_cycle.py',
    '_base_/default_runtime.py',
]
model = dict(head=dict(out_channels=16, decoder=_base_.codec))
default_hooks = dict(checkpoint=dict(save_best='mpii/PCKh@0.5'))

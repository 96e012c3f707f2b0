_base_ = [
    '_base_/models/hrnet_w16_tiny.py',
    '_base_/datasets/butterflies_96x96.py',
    '_base_/schedules/adam_one_cycle.py',
    '_base_/default_runtime.py',
]
model = dict(head=dict(out_channels=5, decoder=_base_.codec))
train_cfg = dict(max_epochs=8, val_interval=8)

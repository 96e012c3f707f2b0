"""The smallest published HRNet on rendered people, trained on a CPU in minutes."""

_base_ = [
    '_base_/models/hrnet_w18_small_v1.py',
    '_base_/datasets/synthetic_128x96.py',
    '_base_/schedules/adam_one_cycle.py',
    '_base_/default_runtime.py',
]
# Ten runs ended at AP .69 to .78, most at .76; three with a sigma of 1.5 at .72, one of 2 at .69.
codec = {**_base_.codec, 'sigma': 1.0}
model = dict(channels_last=True, head=dict(decoder=codec))
train_cfg = dict(max_epochs=5, val_interval=5)

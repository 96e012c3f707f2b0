"""Adam with a one-cycle learning rate, for trainings of a few minutes on a CPU.

`train_cfg.max_epochs` is the one knob for less or more training. `dtype='auto'` is bf16 where the
device multiplies it in hardware, else what it is quick at: fp32 on most CPUs.
"""

train_cfg = dict(by_epoch=True, max_epochs=7, val_interval=7)
optim_wrapper = dict(
    type='hrnet_ext.AmpOptimWrapper',
    dtype='auto',
    optimizer=dict(type='Adam', lr=2e-3, weight_decay=0),
)
# Linear warm-up, then a cosine that ends with the last epoch.
param_scheduler = [
    dict(type='LinearLR', begin=0, end=300, start_factor=0.04, by_epoch=False),
    dict(type='CosineAnnealingLR', eta_min=0, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=16)

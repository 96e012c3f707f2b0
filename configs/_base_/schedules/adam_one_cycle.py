"""Adam on one cycle of the learning rate, in bf16: the most that a CPU learns in a few minutes."""

train_cfg = dict(by_epoch=True, max_epochs=7, val_interval=7)
optim_wrapper = dict(
    type='hrnet_ext.AmpOptimWrapper',
    dtype='bfloat16',
    optimizer=dict(type='Adam', lr=2e-3, weight_decay=0),
)
param_scheduler = [
    dict(
        type='OneCycleLR',
        eta_max=2e-3,
        total_steps=train_cfg['max_epochs'],
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=16)

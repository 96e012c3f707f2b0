"""Adam, 210 epochs, a tenth of the learning rate at 170 and again at 200 (Sun et al.).

The learning rate is 5e-4 for 512 people per step, MMPose's setting, with which its released COCO
weights were trained. The paper's release says 1e-3 for its own batch of 4 x 32 = 128 people;
`--auto-scale-lr` scales linearly from 512, so a batch of 128 then gets 1.25e-4: set
`optim_wrapper.optimizer.lr=1e-3` instead to follow the paper to the letter.
"""

train_cfg = dict(by_epoch=True, max_epochs=210, val_interval=10)
optim_wrapper = dict(
    type='hrnet_ext.OptimWrapper',
    # The release's yaml has WD: 0.0001, but its code uses it only for SGD; Adam needs 0.
    optimizer=dict(type='Adam', lr=5e-4, weight_decay=0),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),  # warm-up
    dict(type='MultiStepLR', begin=0, end=210, milestones=[170, 200], gamma=0.1, by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=512)

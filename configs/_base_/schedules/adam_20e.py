"""Adam from COCO weights: 20 epochs at 1e-4, a tenth at 10 and again at 15 (Sun et al., 4.3).

The paper does not say how many people make a step; 128 is the batch of its COCO training, whose
other settings it keeps. MMPose trains PoseTrack18 with 5e-4 at 512.
"""

_base_ = 'adam_210e.py'

train_cfg = dict(max_epochs=20, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [
    _base_.param_scheduler[0],  # warm-up
    dict(type='MultiStepLR', begin=0, end=20, milestones=[10, 15], gamma=0.1, by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=128)

"""Settings of all runs: hooks, processes, logs, file names."""

default_scope = 'mmpose'  # our own types carry the prefix `hrnet_ext.`

default_hooks = dict(
    runtime_info=dict(type='hrnet_ext.RuntimeInfoHook'),  # logs without waiting for the device
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='hrnet_ext.CheckpointHook',
        interval=10,
        max_keep_ckpts=3,
        save_best='coco/AP',
        rule='greater',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='hrnet_ext.PoseVisualizationHook', enable=False),
)
custom_hooks = [
    dict(
        type='hrnet_ext.PreflightHook'
    ),  # checks before the first step that data, codec and model agree
    dict(type='SyncBuffersHook'),  # running statistics of BN are averaged over processes
]

env_cfg = dict(
    # All inputs have the same size, so cuDNN can search for the fastest convolutions. Runs on a GPU
    # then differ in the last bits; `randomness.deterministic=True` disables this.
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='PoseLocalVisualizer', vis_backends=vis_backends, name='visualizer')

log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True, num_digits=6)
log_level = 'INFO'
load_from = None
resume = False

val_cfg = dict()
test_cfg = dict()

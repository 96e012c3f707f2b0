"""A whole run of a tiny network on the tiny data set, as a config."""

from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner

SMALLEST = {'width': 8, 'num_modules': (1, 1, 1), 'num_blocks': (1, 1, 1, 1)}
CODEC = {
    'type': 'hrnet_ext.MSRAHeatmap',
    'input_size': (64, 96),
    'heatmap_size': (16, 24),
    'sigma': 1.5,
}


def make_config(root: Path) -> Config:
    """A run of one epoch on the tiny data set in ``root``, which starts and ends well."""

    def loader(targets: list[dict], **options) -> dict:
        steps = [
            {'type': 'hrnet_ext.LoadImage'},
            {'type': 'GetBBoxCenterScale'},
            {'type': 'TopdownAffine', 'input_size': CODEC['input_size']},
        ]
        dataset = {
            'type': 'hrnet_ext.CocoDataset',
            'data_root': str(root / 'data'),
            'ann_file': 'people.json',
            'data_prefix': {'img': 'images/'},
            'pipeline': [*steps, *targets, {'type': 'PackPoseInputs'}],
            **options,
        }
        sampler = {'type': 'DefaultSampler', 'shuffle': False}
        return {'batch_size': 6, 'num_workers': 0, 'sampler': sampler, 'dataset': dataset}

    val = loader([], test_mode=True)
    return Config(
        {
            'default_scope': 'mmpose',
            'work_dir': str(root / 'work'),
            'model': {
                'type': 'hrnet_ext.TopdownPoseEstimator',
                'data_preprocessor': {
                    'type': 'PoseDataPreprocessor',
                    'mean': [127.0] * 3,
                    'std': [127.0] * 3,
                },
                'backbone': {'type': 'hrnet_ext.HRNet', **SMALLEST},
                'head': {
                    'type': 'hrnet_ext.HeatmapHead',
                    'in_channels': 8,
                    'out_channels': 17,
                    'deconv_out_channels': None,
                    'decoder': CODEC,
                },
            },
            'train_dataloader': loader([{'type': 'GenerateTarget', 'encoder': CODEC}]),
            'val_dataloader': val,
            'test_dataloader': val,
            'val_evaluator': {'type': 'hrnet_ext.CocoMetric'},
            'test_evaluator': {'type': 'hrnet_ext.CocoMetric'},
            'train_cfg': {'by_epoch': True, 'max_epochs': 1},
            'val_cfg': {},
            'test_cfg': {},
            'optim_wrapper': {'optimizer': {'type': 'Adam', 'lr': 1e-4}},
            'default_hooks': {
                'checkpoint': {
                    'type': 'CheckpointHook',
                    'save_best': 'coco/AP',
                    'rule': 'greater',
                }
            },
            'custom_hooks': [{'type': 'hrnet_ext.PreflightHook'}],
        }
    )


def start(config: Config, command: str = 'train') -> Runner:
    """Run it to its end, under a name that no other run of this process has."""
    config.experiment_name = f'tiny_{np.random.default_rng().integers(1 << 60)}'
    runner = Runner.from_cfg(config)
    getattr(runner, command)()
    return runner

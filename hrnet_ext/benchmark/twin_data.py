"""The same people twice: our data set and pipeline, and MMPose's own.

MMPose's pipelines are those of its top-down configs, with the options that ours give to steps of
the same name (a milder variation, another input size).
"""

from __future__ import annotations

import copy
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS

from hrnet_ext.benchmark.twins import OUR_PREFIX, without_prefix

TRAIN_STEPS = (
    'LoadImage', 'GetBBoxCenterScale', 'RandomFlip', 'RandomHalfBody', 'RandomBBoxTransform',
    'TopdownAffine', 'GenerateTarget', 'PackPoseInputs',
)  # fmt: skip
TEST_STEPS = ('LoadImage', 'GetBBoxCenterScale', 'TopdownAffine', 'PackPoseInputs')
OPTIONS = {  # of MMPose's steps that ours may set, too
    'RandomFlip': ('direction', 'prob'),
    'RandomHalfBody': ('min_total_keypoints', 'min_half_keypoints', 'padding', 'prob'),
    'RandomBBoxTransform': (
        'shift_factor', 'shift_prob', 'scale_factor', 'scale_prob', 'rotate_factor', 'rotate_prob',
    ),
    'TopdownAffine': ('input_size',),
}  # fmt: skip
LOADER_KEYS = ('batch_size', 'num_workers', 'persistent_workers', 'drop_last', 'sampler')
SHARED = ('data_root', 'data_mode', 'ann_file', 'data_prefix', 'test_mode', 'bbox_file', 'indices')


def our_dataset(cfg: Config, split: str, **changes: Any) -> Any:
    """The data set of a config's ``train_dataloader`` or ``test_dataloader``.

    Args:
        cfg: One of ours.
        split: ``'train'`` or ``'test'``.
        **changes: To its settings.
    """
    return DATASETS.build({**copy.deepcopy(cfg[f'{split}_dataloader'].dataset), **changes})


def mmpose_dataset(cfg: Config, split: str, **changes: Any) -> Any:
    """MMPose's data set on the same files; arguments as :func:`our_dataset`."""
    return DATASETS.build({**mmpose_dataset_config(cfg, split), **changes})


def mmpose_dataset_config(cfg: Config, split: str) -> dict[str, Any]:
    """MMPose's config of one of our data sets."""
    ours = copy.deepcopy(cfg[f'{split}_dataloader'].dataset)
    return {
        'type': ours['type'].removeprefix(OUR_PREFIX),
        **{key: ours[key] for key in SHARED if key in ours},
        'pipeline': mmpose_pipeline(cfg, split),
    }


def mmpose_loader_config(cfg: Config, split: str) -> ConfigDict:
    """MMPose's config of one of our data loaders."""
    ours = cfg[f'{split}_dataloader']
    shared = {key: copy.deepcopy(ours[key]) for key in LOADER_KEYS if key in ours}
    return ConfigDict({**shared, 'dataset': mmpose_dataset_config(cfg, split)})


def mmpose_pipeline(cfg: Config, split: str) -> list[dict[str, Any]]:
    """MMPose's pipeline for what one of ours does."""
    ours = cfg[f'{split}_dataloader'].dataset.pipeline
    given = {step['type'].removeprefix(OUR_PREFIX): step for step in ours}
    steps = []
    for name in TRAIN_STEPS if split == 'train' else TEST_STEPS:
        options = {key: given.get(name, {}).get(key) for key in OPTIONS.get(name, ())}
        options = {key: value for key, value in options.items() if value is not None}
        steps.append({'type': name, **options})
    for step in steps:
        if step['type'] == 'TopdownAffine':
            step['input_size'] = cfg.codec.input_size
        if step['type'] == 'GenerateTarget':
            step['encoder'] = without_prefix(cfg.codec.to_dict())
    return steps

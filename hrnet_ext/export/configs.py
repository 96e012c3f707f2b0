"""Configs in which an exported file replaces the model."""

from __future__ import annotations

import os

from mmengine.config import Config
from mmengine.registry import init_default_scope

from hrnet_ext.export.description import read_metadata
from hrnet_ext.export.estimator import metainfo_of
from hrnet_ext.export.model import keypoints_of, padding_of

ESTIMATOR = 'hrnet_ext.ExportedPoseEstimator'
OPTIMIZE_HOOK = 'hrnet_ext.OptimizeHook'
SESSION_OPTIONS = ('provider', 'device', 'precision', 'num_threads', 'batch_size', 'fixed_batch')
COLOR_TYPES = {1: 'grayscale', 3: 'color', 4: 'unchanged'}  # by number of channels
PLAIN_MODES = ('off', 'fp32', 'auto')  # do not request a lower precision than the file's


def exported_config(path: str | os.PathLike[str]) -> Config:
    """A config for an inferencer, made from an exported file's metadata.

    Args:
        path: The exported file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is broken or was not written by hrnet_ext.
    """
    metadata = read_metadata(path)
    crop = {'type': 'TopdownAffine', 'input_size': metadata.input_size}
    pipeline = [
        {'type': 'hrnet_ext.LoadImage', 'color_type': COLOR_TYPES[metadata.num_channels]},
        {'type': 'GetBBoxCenterScale', 'padding': metadata.padding},
        crop,
        {'type': 'PackPoseInputs'},
    ]
    dataset = {'metainfo': metainfo_of(metadata.keypoints), 'pipeline': pipeline}
    return Config(
        {
            'default_scope': 'mmpose',
            'data_mode': 'topdown',
            'model': {'type': ESTIMATOR, 'path': os.fspath(path)},
            'train_dataloader': {'dataset': dataset},
            'test_dataloader': {'dataset': dataset},
            'visualizer': {
                'type': 'PoseLocalVisualizer',
                'vis_backends': [{'type': 'LocalVisBackend'}],
                'name': 'visualizer',
            },
        }
    )


def replace_model(cfg: Config, path: str) -> None:
    """Let a config test an exported file.

    Args:
        cfg: Config of a data set; its model is replaced. Options of a
            :class:`~hrnet_ext.export.runtime.PoseSession` in the model, which
            ``--cfg-options model.precision=half`` sets, are kept.
        path: The exported file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is broken, or does not match the config's data set or crops.
    """
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    metadata = read_metadata(path)
    padding = padding_of(cfg.test_dataloader.dataset.pipeline, metadata.input_size)
    if padding != metadata.padding:
        raise ValueError(
            f'{path} was exported for boxes padded by {metadata.padding}, the test pipeline pads '
            f'by {padding}'
        )
    names = keypoints_of(cfg).names
    if names != metadata.keypoints.names:
        raise ValueError(
            f'{path} finds {len(metadata.keypoints.names)} keypoints of '
            f"{metadata.keypoints.data_set}, the config's data set has {len(names)} others"
        )
    options = {name: cfg.model[name] for name in SESSION_OPTIONS if name in cfg.model}
    cfg.model = {'type': ESTIMATOR, 'path': path, **options}
    cfg.load_from = None
    hooks = cfg.get('custom_hooks') or []
    cfg.custom_hooks = [hook for hook in hooks if hook['type'] != OPTIMIZE_HOOK]


def refuse_optimizing(path: str | os.PathLike[str], mode: str | bool | None) -> None:
    """Reject modes that would change how an exported file runs.

    Args:
        path: The exported file.
        mode: The requested mode of :func:`hrnet_ext.optimize`, if any.

    Raises:
        ValueError: If the mode requests another precision or compilation.
    """
    if isinstance(mode, str) and mode not in PLAIN_MODES:
        raise ValueError(
            f'{path} runs as it was exported: leave out optimize {mode}, or export it with '
            '--precision'
        )

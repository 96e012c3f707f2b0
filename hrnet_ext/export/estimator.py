"""An exported file as a pose estimator for MMPose's test loop and inferencers, and its config.

Legend: B crops; inputs (B, 3, H, W) uint8 BGR.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.structures import PoseDataSample

from hrnet_ext.export.crops import Regions, to_image_space
from hrnet_ext.export.description import read_metadata
from hrnet_ext.export.metadata import KeypointSet
from hrnet_ext.export.model import keypoints_of, padding_of
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.registry import MODELS

ESTIMATOR = 'hrnet_ext.ExportedPoseEstimator'
OPTIMIZE_HOOK = 'hrnet_ext.OptimizeHook'
SESSION_OPTIONS = (
    'backend', 'device', 'precision', 'num_threads', 'batch_size', 'fixed_batch', 'provider',
)  # fmt: skip
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
            ``--cfg-options model.precision=bf16`` sets, are kept.
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


@MODELS.register_module()
class ExportedPoseEstimator(BaseModel):
    """Predictions of a :class:`~hrnet_ext.export.runtime.PoseSession` in MMPose's format.

    It has no PyTorch weights, so it can be tested but not trained. Whether it uses the flip test
    was decided at export.

    Args:
        path: The exported file.
        **options: Options of the session: ``backend``, ``device``, ``precision``, ``num_threads``,
            ``batch_size``, ``fixed_batch``.
    """

    def __init__(self, path: str, **options: Any) -> None:
        super().__init__()
        self.session = PoseSession(path, **options)
        self.test_cfg: dict[str, Any] = {}  # the inferencer requests heatmaps here
        self.dataset_meta = parse_pose_metainfo(metainfo_of(self.session.metadata.keypoints))

    def test_step(self, data: Mapping[str, Any]) -> list[PoseDataSample]:
        """Put ``pred_instances`` (keypoints in image space) into the data samples.

        Args:
            data: ``inputs``, a tensor (B, 3, H, W) or a list of (3, H, W), and ``data_samples``.

        Raises:
            ValueError: If heatmaps are requested.
        """
        if self.test_cfg.get('output_heatmaps'):
            raise ValueError('an exported model hands over no heatmaps to draw')
        samples = data['data_samples']
        if not samples:
            return []
        crops = np.stack([image.permute(1, 2, 0).numpy() for image in data['inputs']])
        keypoints, scores = self.session.estimate(crops)
        found = to_image_space(keypoints, _regions_of(samples), self.session.metadata.input_size)
        for sample, *pose in zip(samples, found, scores):
            sample.pred_instances = _instances(*pose, sample.gt_instances)
        return samples

    val_step = test_step

    def forward(self, *_: Any, **__: Any) -> torch.Tensor:
        """Not supported: an exported model cannot be part of a PyTorch graph."""
        raise ValueError('an exported model can be tested only, not trained')


def metainfo_of(keypoints: KeypointSet) -> dict[str, Any]:
    """Keypoints in the format of MMPose's metainfo."""
    mirror = {a: b for pair in keypoints.flip_pairs for a, b in (pair, pair[::-1])}
    colors = keypoints.colors or ((255, 128, 0),) * len(keypoints.names)
    link_colors = keypoints.link_colors or ((96, 96, 255),) * len(keypoints.skeleton)
    return {
        'dataset_name': keypoints.data_set,
        'keypoint_info': {
            index: {
                'name': name,
                'id': index,
                'color': list(color),
                'type': 'upper' if name in keypoints.upper_body else 'lower',
                'swap': mirror.get(name, ''),
            }
            for index, (name, color) in enumerate(zip(keypoints.names, colors))
        },
        'skeleton_info': {
            index: {'link': link, 'id': index, 'color': list(color)}
            for index, (link, color) in enumerate(zip(keypoints.skeleton, link_colors))
        },
        'joint_weights': [1.0] * len(keypoints.names),
        'sigmas': list(keypoints.sigmas),
    }


def _regions_of(samples: Sequence[PoseDataSample]) -> Regions:
    return Regions(
        np.stack([sample.metainfo['input_center'] for sample in samples]),
        np.stack([sample.metainfo['input_scale'] for sample in samples]),
    )


def _instances(keypoints: np.ndarray, scores: np.ndarray, truth: InstanceData) -> InstanceData:
    return InstanceData(
        keypoints=keypoints[None],
        keypoint_scores=scores[None],
        keypoints_visible=scores[None],
        bboxes=truth.bboxes,
        bbox_scores=truth.bbox_scores,
    )

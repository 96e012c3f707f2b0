"""An exported file as a pose estimator for MMPose's test loop and inferencers.

Legend: B crops; inputs (B, 3, H, W) uint8 BGR, as pipelines pack them; predicted keypoints are in
image space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.structures import PoseDataSample

from hrnet_ext.export.crops import Regions, to_image_space
from hrnet_ext.export.metadata import KeypointSet
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.registry import MODELS


@MODELS.register_module()
class ExportedPoseEstimator(BaseModel):
    """Predictions of a :class:`~hrnet_ext.export.runtime.PoseSession` in MMPose's format.

    It has no PyTorch weights, so it can be tested but not trained. Whether it uses the flip test
    was decided at export.

    Args:
        path: The exported file.
        **options: Options of the session: ``provider``, ``device``, ``precision``, ``num_threads``,
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

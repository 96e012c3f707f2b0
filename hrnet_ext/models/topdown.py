"""The top-down pose estimator: one person's crop in, one skeleton out.

Legend: B crops; inputs (B, 3, H, W); keypoints leave in image space (pixels of the original).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator as MMPoseTopdownPoseEstimator
from mmpose.structures import PoseDataSample
from torch import Tensor

from hrnet_ext.models.training_compiler import make_training_compiler
from hrnet_ext.models.weights import register_conversion
from hrnet_ext.registry import MODELS


@MODELS.register_module()
class TopdownPoseEstimator(MMPoseTopdownPoseEstimator):
    """MMPose's estimator; runs the flip test in one forward pass where that is faster.

    Args:
        backbone: Config of the network.
        neck: Config of the module between backbone and head.
        head: Config of the head.
        train_cfg: ``compute_acc``.
        test_cfg: ``flip_test``, ``flip_mode``, ``shift_heatmap``, ``output_heatmaps``,
            ``output_keypoint_indices``.
        data_preprocessor: Config of MMPose's ``PoseDataPreprocessor``: mean, std, channel order.
        init_cfg: MMEngine's initialisation.
        metainfo: Replaces the data set's description of its keypoints.
        channels_last: Keep weights and maps in channels-last memory format, which makes
            convolutions faster on current CPUs and GPUs. Numbers may differ in the last bits.
        compile: Train the backbone through ``torch.compile``: True, or its options. Checkpoints and
            predictions are unchanged. Not tried on a GPU; no faster on the CPUs tried.

    Raises:
        ValueError: If ``compile`` is of another type.

    Attributes:
        joins_flip_test: Run crops and mirrored crops as one batch. On CPUs the batch size
            may change a convolution in the last bits. Set by :func:`hrnet_ext.optimize`.
    """

    joins_flip_test = False

    def __init__(
        self,
        backbone: dict,
        neck: dict | None = None,
        head: dict | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
        metainfo: dict | None = None,
        *,
        channels_last: bool = False,
        compile: bool | Mapping[str, Any] = False,
    ) -> None:
        super().__init__(
            backbone=backbone,
            neck=neck,
            head=head,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
            metainfo=metainfo,
        )
        self.training_compiler = make_training_compiler(compile)
        register_conversion(self)
        if channels_last:
            self.to(memory_format=torch.channels_last)

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Inputs (B, 3, H, W) -> maps; in training compiled, if ``compile`` is set."""
        if self.training_compiler is None or not self.training:
            return super().extract_feat(inputs)
        maps = self.training_compiler(self.backbone, inputs)
        return self.neck(maps) if self.with_neck else maps

    def predict(
        self, inputs: Tensor, data_samples: Sequence[PoseDataSample]
    ) -> Sequence[PoseDataSample]:
        """Put ``pred_instances`` (keypoints in image space) into ``data_samples``.

        With ``test_cfg.flip_test`` crops and mirrored crops run as one batch of 2B where
        ``joins_flip_test`` says so, and on GPUs; else as two of B.
        """
        is_joined = self.joins_flip_test or inputs.is_cuda
        if not is_joined or not self.test_cfg.get('flip_test', False):
            return super().predict(inputs, data_samples)
        both = self.extract_feat(torch.cat([inputs, inputs.flip(-1)]))
        feats = [tuple(half) for half in zip(*[x.chunk(2) for x in both])]
        found = self.head.predict(feats, data_samples, test_cfg=self.test_cfg)
        instances, fields = found if isinstance(found, tuple) else (found, None)
        return self.add_pred_to_datasample(instances, fields, data_samples)

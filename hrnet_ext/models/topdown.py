"""The top-down pose estimator: one person's crop in, one skeleton out.

Legend: B crops; inputs (B, 3, H, W); K keypoints; heatmaps (B, K, H, W).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator as MMPoseTopdownPoseEstimator
from mmpose.structures import PoseDataSample
from torch import Tensor

from hrnet_ext.codecs.constants import on_device
from hrnet_ext.models.training_compiler import make_training_compiler
from hrnet_ext.models.weights import register_conversion
from hrnet_ext.registry import MODELS

PIXELS_PER_CHUNK = 2**18  # a megabyte, which stays in a CPU's cache between the steps


def merge_flipped(
    heatmaps: Tensor, mirrored: Tensor, flip_indices: Sequence[int], *, shift: bool
) -> Tensor:
    """The mean of heatmaps and of mirrored ones flipped back, equal to MMPose's.

    Args:
        heatmaps: Of the crops.
        mirrored: Of the mirrored crops.
        flip_indices: The K keypoints' mirror images.
        shift: Move the flipped-back ones a pixel to the right, which aligns them with the others
            because of the network's strides; their first column stays.
    """
    order = on_device(tuple(flip_indices), torch.long, heatmaps.device)
    heatmaps, mirrored = heatmaps.detach().contiguous(), mirrored.detach().contiguous()
    merged = torch.empty_like(heatmaps)
    on_cpu = heatmaps.device.type == 'cpu'
    step = max(1, PIXELS_PER_CHUNK // heatmaps[0].numel()) if on_cpu else len(heatmaps)
    for mean, own, other in zip(*(each.split(step) for each in (merged, heatmaps, mirrored))):
        back = other.index_select(1, order).flip(-1)
        if shift:
            # Shift the flattened maps, then correct the first column (the end of the row above).
            torch.add(own.view(-1)[1:], back.view(-1)[:-1], out=mean.view(-1)[1:])
            torch.add(own[..., 0], back[..., 0], out=mean[..., 0])
        else:
            torch.add(own, back, out=mean)
        mean *= 0.5
    return merged


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
        init_cfg: MMEngine's initialization.
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

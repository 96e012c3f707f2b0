"""The heatmap head: a 1x1 convolution on the finest map, targets and decoding on the device.

Legend: B samples; K keypoints; heatmaps (B, K, H, W).
"""

from collections.abc import Sequence

import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.models.heads import HeatmapHead as MMPoseHeatmapHead
from mmpose.structures import PoseDataSample
from torch import Tensor

from hrnet_ext.codecs.decoding import heatmap_maximum
from hrnet_ext.models.topdown import merge_flipped
from hrnet_ext.registry import MODELS


def heatmap_accuracy(
    output: Tensor, target: Tensor, weights: Tensor, threshold: float = 0.05
) -> Tensor:
    """PCK of the maxima: the share of samples near their target, averaged over keypoints.

    A scalar tensor on the heatmaps' device: only reading it synchronizes. The value is that of
    MMPose's ``pose_pck_accuracy``, which divides x by H and y by W.

    Args:
        output: Predicted heatmaps (B, K, H, W).
        target: Encoded heatmaps (B, K, H, W).
        weights: (B, K).
        threshold: Largest distance that counts as right, as a share of the heatmap's side.
    """
    found, _ = heatmap_maximum(output.detach().float())
    wanted, _ = heatmap_maximum(target)
    height, width = output.shape[-2:]
    dx, dy = (found - wanted).unbind(-1)
    distance = torch.stack([dx / height, dy / width], -1).norm(dim=-1)
    counted = weights > 0
    right = (distance < threshold) & counted
    num_counted = counted.sum(0)
    share = right.sum(0) / num_counted.clamp(min=1)
    return share.sum() / (num_counted > 0).sum().clamp(min=1)


@MODELS.register_module()
class HeatmapHead(MMPoseHeatmapHead):
    """MMPose's head with its layers, arguments and keys, working on batches instead of samples.

    - *Targets*: heatmaps that the pipeline made (``GenerateTarget``) are used; where it sent
      keypoints (``hrnet_ext.KeypointTargets``) the codec encodes the batch on the device.
    - *Accuracy* stays a tensor on the device: no heatmaps are copied, nothing synchronizes.
    - *Decoding*: the codec decodes the batch on the device; only coordinates leave it.

    For HRNet give ``deconv_out_channels=None``: the finest map has the heatmaps' size already.
    """

    def loss(
        self,
        feats: Sequence[Tensor],
        batch_data_samples: Sequence[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """The loss and, unless ``train_cfg`` has ``compute_acc=False``, the accuracy.

        Args:
            feats: Maps; the last one is used, as in MMPose.
            batch_data_samples: B samples with targets, see the class.
            train_cfg: The estimator's training options.
        """
        output = self.forward(feats)
        target, weights = self.targets(batch_data_samples)
        losses = {'loss_kpt': self.loss_module(output, target, weights)}
        if (train_cfg or {}).get('compute_acc', True):
            losses['acc_pose'] = heatmap_accuracy(output, target, weights)
        return losses

    def targets(self, batch_data_samples: Sequence[PoseDataSample]) -> tuple[Tensor, Tensor]:
        """Target heatmaps (B, K, H, W) and weights (B, K), from the pipeline or encoded here.

        Raises:
            ValueError: If the samples carry neither heatmaps nor keypoints, or the head has no
                codec to encode them with.
        """
        labels = [sample.gt_instance_labels for sample in batch_data_samples]
        if 'gt_fields' in batch_data_samples[0]:
            heatmaps = torch.stack([sample.gt_fields.heatmaps for sample in batch_data_samples])
            return heatmaps, torch.cat([label.keypoint_weights for label in labels])
        if 'keypoint_labels' not in labels[0]:
            raise ValueError(
                'training samples carry no targets: the pipeline needs hrnet_ext.KeypointTargets '
                '(or GenerateTarget) before PackPoseInputs'
            )
        if not hasattr(self.decoder, 'encode_batch'):
            raise ValueError(
                f'the codec {type(self.decoder).__name__} cannot encode a batch: set '
                'head.decoder to hrnet_ext.MSRAHeatmap, or use GenerateTarget in the pipeline'
            )
        heatmaps, weights = self.decoder.encode_batch(
            torch.cat([label.keypoint_labels for label in labels]),
            torch.cat([label.keypoints_visible for label in labels]),
        )
        return heatmaps, weights * torch.cat([label.keypoint_weights for label in labels])

    def predict(
        self,
        feats: Sequence[Tensor] | Sequence[Sequence[Tensor]],
        batch_data_samples: Sequence[PoseDataSample],
        test_cfg: dict | None = None,
    ) -> list[InstanceData] | tuple[list[InstanceData], list[PixelData]]:
        """The predictions of :meth:`decode`; with ``output_heatmaps`` also the B heatmaps.

        Args:
            feats: Maps; with ``flip_test`` a pair, of the crops and of the mirrored crops.
            batch_data_samples: B samples; the flip test takes ``flip_indices`` from the first.
            test_cfg: ``flip_test``, ``flip_mode``, ``shift_heatmap``, ``output_heatmaps``.
        """
        test_cfg = test_cfg or {}
        flip_test = test_cfg.get('flip_test', False)
        if flip_test and test_cfg.get('flip_mode', 'heatmap') != 'heatmap':
            return super().predict(feats, batch_data_samples, test_cfg)
        if flip_test:
            heatmaps = merge_flipped(
                *map(self.forward, feats),
                batch_data_samples[0].metainfo['flip_indices'],
                shift=test_cfg.get('shift_heatmap', False),
            )
        else:
            heatmaps = self.forward(feats).detach()
        found = self.decode(heatmaps)
        if not test_cfg.get('output_heatmaps', False):
            return found
        return found, [PixelData(heatmaps=each) for each in heatmaps]

    def decode(self, batch_outputs: Tensor) -> list[InstanceData]:
        """Heatmaps -> per sample keypoints (1, K, 2) in input space, keypoint_scores (1, K)."""
        if not hasattr(self.decoder, 'decode_batch'):
            return super().decode(batch_outputs)
        keypoints, scores = self.decoder.decode_batch(batch_outputs)
        found = torch.cat([keypoints, scores[..., None]], -1).cpu().numpy()
        return [
            InstanceData(keypoints=sample[None, :, :2], keypoint_scores=sample[None, :, 2])
            for sample in found
        ]

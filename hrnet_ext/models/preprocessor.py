"""From the images of a batch to the network's inputs.

Legend: B samples; inputs (B, 3, H, W).
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from mmpose.models.data_preprocessors import PoseDataPreprocessor as MMPosePoseDataPreprocessor
from torch import Tensor

from hrnet_ext.models.input_channels import swap_colors
from hrnet_ext.models.sample_batch import SampleBatch, are_alike, move_sample
from hrnet_ext.registry import MODELS


@MODELS.register_module()
class PoseDataPreprocessor(MMPosePoseDataPreprocessor):
    """MMPose's preprocessor, which also takes images that are already stacked.

    Same arguments, same numbers. Stacked images (:func:`hrnet_ext.datasets.batches.stack_samples`)
    reach the device in one copy, and are converted and normalized once per batch instead of once
    per image.

    Args:
        mean: Of each channel, of any number of channels.
        std: Likewise.
        **kwargs: As MMPose's.

    Attributes:
        swaps_colors: Whether the order of the channels is reversed. MMEngine does this by a list of
            indices, whose copy to the device waits until the device has finished earlier work.
    """

    def __init__(
        self, mean: Sequence[float] | None = None, std: Sequence[float] | None = None, **kwargs: Any
    ) -> None:
        is_plain = mean is None or std is None or (len(mean) in (1, 3) and len(std) in (1, 3))
        super().__init__(
            mean=mean if is_plain else [0.0], std=std if is_plain else [1.0], **kwargs
        )  # MMEngine's knows one channel and three
        if not is_plain:
            self.mean, self.std = (torch.tensor(each).view(-1, 1, 1) for each in (mean, std))
        self.swaps_colors = self._channel_conversion
        self._channel_conversion = False

    def cast_data(self, data: Any) -> Any:
        """As MMEngine's, but copies a batch's targets at once and deep-copies no annotation."""
        if isinstance(data, list) and data and isinstance(data[0], BaseDataElement):
            return SampleBatch(data).to(self.device, non_blocking=self._non_blocking)
        if isinstance(data, BaseDataElement):
            return move_sample(data, self.device, non_blocking=self._non_blocking)
        if isinstance(data, list) and self.device.type != 'cpu' and are_alike(data):
            on_device = [each.to(self.device, non_blocking=self._non_blocking) for each in data]
            data = torch.stack(on_device)  # one launch instead of one per image
        data = super().cast_data(data)
        return swap_colors(data) if self.swaps_colors and isinstance(data, Tensor) else data

    def _get_pad_shape(self, data: dict[str, Any]) -> list[tuple[int, int]]:
        """(H, W) of each sample, padded; MMPose's would read a stack's first two axes as (H, W)."""
        inputs = data['inputs']
        images = list(inputs) if isinstance(inputs, Tensor) else inputs
        return super()._get_pad_shape({**data, 'inputs': images})

"""From the images of a batch to the network's inputs.

Legend: B samples; inputs (B, 3, H, W).
"""

from typing import Any

import torch
from mmengine.structures import BaseDataElement
from mmpose.models.data_preprocessors import PoseDataPreprocessor as MMPosePoseDataPreprocessor
from torch import Tensor

from hrnet_ext.models.sample_batch import SampleBatch, are_alike, move_sample
from hrnet_ext.registry import MODELS


@MODELS.register_module()
class PoseDataPreprocessor(MMPosePoseDataPreprocessor):
    """MMPose's preprocessor, which also takes images that are already stacked.

    Same arguments, same numbers. Stacked images (:func:`hrnet_ext.datasets.collate.stack_samples`)
    reach the device in one copy, and are converted and normalized once per batch instead of once
    per image.

    Attributes:
        swaps_colors: Whether the order of the channels is reversed. MMEngine does this by a list of
            indices, whose copy to the device waits until the device has finished earlier work.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
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
        return data.flip(-3) if self.swaps_colors and isinstance(data, Tensor) else data

    def _get_pad_shape(self, data: dict[str, Any]) -> list[tuple[int, int]]:
        """(H, W) of each sample, padded; MMPose's would read a stack's first two axes as (H, W)."""
        inputs = data['inputs']
        images = list(inputs) if isinstance(inputs, Tensor) else inputs
        return super()._get_pad_shape({**data, 'inputs': images})

"""From the pictures of a batch to the network's inputs.

Legend: B samples; inputs (B, 3, H, W).
"""

from typing import Any

import torch
from mmengine.structures import BaseDataElement
from mmpose.models.data_preprocessors import PoseDataPreprocessor as MMPosePoseDataPreprocessor
from torch import Tensor

from hrnet_ext.models.sample_batch import SampleBatch, are_alike, moved
from hrnet_ext.registry import MODELS


@MODELS.register_module()
class PoseDataPreprocessor(MMPosePoseDataPreprocessor):
    """MMPose's preprocessor, which also knows the shape of pictures that come stacked.

    Takes the same arguments and gives the same numbers. Stacked pictures
    (:func:`hrnet_ext.datasets.collate.stack_samples`) reach the device in one copy, and colours and
    mean are seen to once a batch instead of once a picture.

    Attributes:
        swaps_colours: Whether the first colour becomes the last. MMEngine does so by a list of
            positions, which is copied to the device and waits for all that was asked of it before.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.swaps_colours = self._channel_conversion
        self._channel_conversion = False

    def cast_data(self, data: Any) -> Any:
        """MMEngine's, but a batch's targets move at once, and no annotation is deep-copied."""
        if isinstance(data, list) and data and isinstance(data[0], BaseDataElement):
            return SampleBatch(data).to(self.device, non_blocking=self._non_blocking)
        if isinstance(data, BaseDataElement):
            return moved(data, self.device, non_blocking=self._non_blocking)
        if isinstance(data, list) and self.device.type != 'cpu' and are_alike(data):
            there = [each.to(self.device, non_blocking=self._non_blocking) for each in data]
            data = torch.stack(there)  # a GPU spends more on starting work on each than on doing it
        data = super().cast_data(data)
        return data.flip(-3) if self.swaps_colours and isinstance(data, Tensor) else data

    def _get_pad_shape(self, data: dict[str, Any]) -> list[tuple[int, int]]:
        """(H, W) of each sample, padded; MMPose's takes a stack's first two axes for them."""
        inputs = data['inputs']
        pictures = list(inputs) if isinstance(inputs, Tensor) else inputs
        return super()._get_pad_shape({**data, 'inputs': pictures})

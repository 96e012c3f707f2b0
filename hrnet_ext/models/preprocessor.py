"""From the pictures of a batch to the network's inputs.

Legend: B samples; inputs (B, 3, H, W).
"""

from typing import Any

from mmengine.structures import BaseDataElement
from mmpose.models.data_preprocessors import PoseDataPreprocessor as MMPosePoseDataPreprocessor
from torch import Tensor

from hrnet_ext.models.moving import moved
from hrnet_ext.registry import MODELS


@MODELS.register_module()
class PoseDataPreprocessor(MMPosePoseDataPreprocessor):
    """MMPose's preprocessor, which also knows the shape of pictures that come stacked.

    Takes the same arguments and gives the same numbers. Stacked pictures
    (:func:`hrnet_ext.datasets.collate.stack_samples`) reach the device in one copy, and colours and
    mean are seen to once a batch instead of once a picture.
    """

    def cast_data(self, data: Any) -> Any:
        """MMEngine's, but what samples know besides tensors is not deep-copied."""
        if isinstance(data, BaseDataElement):
            return moved(data, self.device, non_blocking=self._non_blocking)
        return super().cast_data(data)

    def _get_pad_shape(self, data: dict[str, Any]) -> list[tuple[int, int]]:
        """(H, W) of each sample, padded; MMPose's takes a stack's first two axes for them."""
        inputs = data['inputs']
        pictures = list(inputs) if isinstance(inputs, Tensor) else inputs
        return super()._get_pad_shape({**data, 'inputs': pictures})

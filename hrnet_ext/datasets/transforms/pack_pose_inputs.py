"""Pack the results of a pipeline into the sample that a model takes.

Legend: h, w of the network's input.
"""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from mmpose.datasets.transforms import PackPoseInputs as MMPosePackPoseInputs
from mmpose.datasets.transforms.formatting import image_to_tensor
from mmpose.structures import MultilevelPixelData, PoseDataSample
from torch import Tensor

from hrnet_ext.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackPoseInputs(MMPosePackPoseInputs):
    """MMPose's ``PackPoseInputs`` with equal samples, but only the image is copied.

    Takes the same arguments. MMPose makes a deep copy of the metainfo, including segmentations;
    here the sample shares the objects in ``results``.
    """

    def transform(self, results: dict) -> dict:
        """``inputs`` (3, h, w) and ``data_samples`` of a top-down sample.

        Raises:
            ValueError: If targets of one and of several levels are mixed.
        """
        if 'img' not in results:  # poses to be lifted to 3D
            return super().transform(results)
        tables = {
            name: results.get(name, getattr(self, name))
            for name in ('instance_mapping_table', 'label_mapping_table', 'field_mapping_table')
        }
        instances = _packed(results, tables['instance_mapping_table'])
        if self.pack_transformed and 'transformed_keypoints' in results:
            instances['transformed_keypoints'] = results['transformed_keypoints']
        labels = {
            name: np.stack(label) if isinstance(label, list) else label
            for name, label in _packed(results, tables['label_mapping_table']).items()
        }
        sample = PoseDataSample()
        sample.gt_instances = _filled(InstanceData(), instances)
        sample.gt_instance_labels = _filled(InstanceData(), _tensors(labels))
        fields = _packed(results, tables['field_mapping_table'])
        if fields:
            sample.gt_fields = _filled(_holder(fields), fields).to_tensor()
        for key in self.meta_keys:
            if key in results:
                sample.set_field(results[key], key, field_type='metainfo')
        return {'inputs': as_tensor(results['img']), 'data_samples': sample}


def as_tensor(image: np.ndarray | list[np.ndarray]) -> Tensor:
    """An image (h, w, 3) as (3, h, w), several images as (N, 3, h, w), contiguous."""
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape[2:] == (3,):
        planes = np.concatenate(cv2.split(image))
        return torch.from_numpy(planes).view(3, *image.shape[:2])
    return image_to_tensor(image)


def _packed(results: dict, table: Mapping[str, str]) -> dict[str, Any]:
    return {name: results[key] for key, name in table.items() if key in results}


def _filled(holder: BaseDataElement, values: Mapping[str, Any]) -> BaseDataElement:
    """Add values to ``holder``, which is new, and return it."""
    for name, value in values.items():
        holder.set_field(value, name)
    return holder


def _tensors(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }


def _holder(fields: Mapping[str, Any]) -> PixelData | MultilevelPixelData:
    """The container for target maps of one level, or for lists with one map per level."""
    several = {name for name, value in fields.items() if isinstance(value, list)}
    if several and len(several) < len(fields):
        raise ValueError(
            f'targets of several levels ({", ".join(sorted(several))}) cannot be packed with those '
            f'of one ({", ".join(sorted(set(fields) - several))})'
        )
    return MultilevelPixelData() if several else PixelData()

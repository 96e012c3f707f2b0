"""Pass keypoints to the head, which makes the heatmaps on its device.

Legend: K keypoints; input space = pixels of the cropped network input.
"""

import numpy as np
from mmcv.transforms import BaseTransform

from hrnet_ext.registry import TRANSFORMS

LABELS = ('keypoint_labels', 'keypoints_visible', 'keypoint_weights')


@TRANSFORMS.register_module()
class KeypointTargets(BaseTransform):
    """Replaces ``GenerateTarget`` between ``TopdownAffine`` and ``PackPoseInputs``.

    A sample then carries 17 x 4 numbers to the device instead of 17 heatmaps, and
    :class:`hrnet_ext.models.HeatmapHead` encodes the whole batch there. The targets equal those
    of ``GenerateTarget`` with the head's codec.

    Adds ``keypoint_labels`` (1, K, 2) in input space, ``keypoints_visible`` (1, K) and
    ``keypoint_weights`` (1, K), which ``PackPoseInputs`` puts into ``gt_instance_labels``.

    Args:
        use_dataset_keypoint_weights: Weight each keypoint's loss by the data set's
            ``joint_weights``, as the option of the same name in ``GenerateTarget`` does.
    """

    def __init__(self, use_dataset_keypoint_weights: bool = False) -> None:
        self.use_dataset_keypoint_weights = use_dataset_keypoint_weights

    def transform(self, results: dict) -> dict:
        """Add the labels to ``results``.

        Raises:
            ValueError: If the keypoints have not been moved to input space yet.
        """
        if 'transformed_keypoints' not in results:
            raise ValueError(
                'KeypointTargets needs keypoints in input space: put TopdownAffine before it'
            )
        visible = np.asarray(results['keypoints_visible'], dtype=np.float32)
        if visible.ndim == 3:  # some MMPose data sets store a weight with the visibility
            visible = visible[..., 0]
        weights = np.ones_like(visible)
        if self.use_dataset_keypoint_weights:
            weights = weights * results['dataset_keypoint_weights'].astype(np.float32)
        return {
            **results,
            'keypoint_labels': results['transformed_keypoints'].astype(np.float32),
            'keypoints_visible': visible,
            'keypoint_weights': weights,
            'label_mapping_table': {name: name for name in LABELS},
        }

    def __repr__(self) -> str:
        flag = self.use_dataset_keypoint_weights
        return f'{type(self).__name__}(use_dataset_keypoint_weights={flag})'

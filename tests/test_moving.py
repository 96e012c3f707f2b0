"""Samples reach the device with all they know, and the loader's own stay as they are."""

import numpy as np
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.structures import PoseDataSample

from hrnet_ext.models.moving import moved


def sample():
    made = PoseDataSample(metainfo={'img_id': 7, 'raw_ann_info': {'keypoints': [1, 2, 3]}})
    made.gt_instances = InstanceData(bboxes=np.ones((1, 4)), bbox_scores=np.ones(1))
    made.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, 17))
    made.gt_fields = PixelData(heatmaps=torch.ones(17, 8, 6))
    return made


def test_it_is_what_mmengine_makes_of_a_sample():
    found, wanted = moved(sample(), torch.device('meta')), sample().to('meta')
    assert type(found) is type(wanted)
    assert set(found.all_keys()) == set(wanted.all_keys())
    assert found.metainfo == wanted.metainfo
    assert found.gt_fields.heatmaps.device.type == 'meta'
    assert found.gt_instance_labels.keypoint_weights.device.type == 'meta'
    assert np.array_equal(found.gt_instances.bboxes, wanted.gt_instances.bboxes)
    assert type(found.gt_fields) is PixelData


def test_nothing_is_written_into_the_sample_nor_copied_of_its_annotation():
    given = sample()
    found = moved(given, torch.device('cpu'))
    found.pred_instances = InstanceData(keypoints=np.zeros((1, 17, 2)))
    found.gt_instances.bbox_ids = np.zeros(1)
    found.set_metainfo({'seen': True})
    assert 'pred_instances' not in given
    assert 'bbox_ids' not in given.gt_instances
    assert 'seen' not in given.metainfo_keys()
    assert found.get('raw_ann_info') is given.get('raw_ann_info')

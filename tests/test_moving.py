"""Samples reach the device with all they know, and the loader's own stay as they are."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.structures import PoseDataSample
from torch.utils.data._utils.pin_memory import pin_memory

from hrnet_ext.models.sample_batch import SampleBatch, move_sample


def sample(number: int = 7):
    made = PoseDataSample(metainfo={'img_id': number, 'raw_ann_info': {'keypoints': [1, 2, 3]}})
    made.gt_instances = InstanceData(bboxes=np.ones((1, 4)), bbox_scores=np.ones(1))
    made.gt_instance_labels = InstanceData(keypoint_weights=torch.full((1, 17), number / 8))
    made.gt_fields = PixelData(heatmaps=torch.ones(17, 8, 6))
    return made


def test_it_is_what_mmengine_makes_of_a_sample():
    found, wanted = move_sample(sample(), torch.device('meta')), sample().to('meta')
    assert type(found) is type(wanted)
    assert set(found.all_keys()) == set(wanted.all_keys())
    assert found.metainfo == wanted.metainfo
    assert found.gt_fields.heatmaps.device.type == 'meta'
    assert found.gt_instance_labels.keypoint_weights.device.type == 'meta'
    assert np.array_equal(found.gt_instances.bboxes, wanted.gt_instances.bboxes)
    assert type(found.gt_fields) is PixelData


def test_nothing_is_written_into_the_sample_nor_copied_of_its_annotation():
    given = sample()
    found = move_sample(given, torch.device('cpu'))
    found.pred_instances = InstanceData(keypoints=np.zeros((1, 17, 2)))
    found.gt_instances.bbox_ids = np.zeros(1)
    found.set_metainfo({'seen': True})
    assert 'pred_instances' not in given
    assert 'bbox_ids' not in given.gt_instances
    assert 'seen' not in given.metainfo_keys()
    assert found.get('raw_ann_info') is given.get('raw_ann_info')


def weights(samples):
    return [each.gt_instance_labels.keypoint_weights[0, 0].item() * 8 for each in samples]


def test_a_batch_is_pinned_by_one_copy_for_each_kind(monkeypatch):
    pinned = []
    monkeypatch.setattr(torch.Tensor, 'pin_memory', lambda x: pinned.append(x.shape) or x.clone())
    given = SampleBatch.of([sample(number) for number in range(5)])
    found = pin_memory({'data_samples': given})['data_samples']
    assert sorted(pinned) == [(5, 1, 17), (5, 17, 8, 6)]
    assert type(found) is SampleBatch
    assert weights(found) == [0, 1, 2, 3, 4]
    bases = {id(each.gt_fields.heatmaps._base) for each in found}
    assert len(bases) == 1
    assert bases.isdisjoint({id(each.gt_fields.heatmaps._base) for each in given})


@pytest.mark.parametrize('change', ['reversed', 'shortened', 'exchanged', 'joined'])
def test_a_batch_that_was_changed_moves_as_it_is(change):
    batch = SampleBatch.of([sample(number) for number in range(4)])
    if change == 'reversed':
        batch.reverse()
    elif change == 'shortened':
        del batch[0]
    elif change == 'exchanged':
        batch[1].gt_instance_labels.keypoint_weights = torch.full((1, 17), 9 / 8)
    else:
        batch += SampleBatch.of([sample(5)])
    wanted = weights(batch)
    found = batch.to(torch.device('cpu'))
    assert weights(found) == wanted
    assert [each.img_id for each in found] == [each.img_id for each in batch]
    assert len({id(each.gt_instance_labels.keypoint_weights._base) for each in found}) == 1

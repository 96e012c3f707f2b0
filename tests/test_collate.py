"""What leaves a data loader's worker is what arrives, in one piece."""

import pickle
import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS, MODELS, init_default_scope
from mmengine.structures import InstanceData, PixelData
from mmpose.structures import PoseDataSample
from torch.utils.data import DataLoader

from hrnet_ext import config_path
from hrnet_ext.datasets.batches import stack_samples
from hrnet_ext.models.sample_batch import SampleBatch
from tests.test_pipeline_parity import assert_equal


def sample(index: int, *, side: int = 8) -> dict:
    """What ``PackPoseInputs`` makes of a person in training."""
    rng = np.random.default_rng(index)
    packed = PoseDataSample(metainfo={'id': index, 'raw_ann_info': {'track_id': index}})
    packed.gt_instances = InstanceData(bboxes=rng.random((1, 4)).astype(np.float32))
    packed.gt_instance_labels = InstanceData(
        keypoint_labels=torch.from_numpy(rng.random((1, 17, 2))),
        keypoint_weights=torch.ones(1, 17),
    )
    packed.gt_fields = PixelData(heatmaps=torch.from_numpy(rng.random((17, 4, 3))))
    picture = rng.integers(0, 255, (3, side, side), dtype=np.uint8)
    return {'inputs': torch.from_numpy(picture), 'data_samples': packed}


class Samples(list):
    """A data set that knows which process asks, and how OpenCV works there."""

    def __getitem__(self, index):
        one = sample(index)
        threads = (torch.get_num_threads(), cv2.getNumThreads())
        one['data_samples'].set_metainfo({'threads': threads})
        return one


@pytest.mark.parametrize('num_workers', [0, 2])
def test_batches_arrive_as_they_were_packed(num_workers):
    loader = DataLoader(
        Samples(range(7)), batch_size=3, num_workers=num_workers, collate_fn=stack_samples
    )
    arrived = list(loader)
    assert [len(batch['data_samples']) for batch in arrived] == [3, 3, 1]
    for start, batch in zip((0, 3, 6), arrived):
        assert type(batch['data_samples']) is SampleBatch
        assert batch['inputs'].dtype == torch.uint8
        for offset, found in enumerate(batch['data_samples']):
            expected = sample(start + offset)
            assert torch.equal(batch['inputs'][offset], expected['inputs'])
            if num_workers:
                assert found.threads == (1, cv2.getNumThreads())
            found = found.clone()
            found.pop('threads')
            assert_equal(found, expected['data_samples'])


def test_all_tensors_of_a_kind_travel_as_one():
    samples = [sample(index)['data_samples'] for index in range(5)]
    before = [each.clone() for each in samples]
    content = pickle.dumps(SampleBatch.of(samples))
    assert len(re.findall(b'_rebuild_tensor', pickle.dumps(samples))) == 1  # by name: once
    arrived = pickle.loads(content)
    for kind in ('keypoint_labels', 'keypoint_weights'):
        labels = [each.gt_instance_labels[kind] for each in arrived]
        assert len({each.untyped_storage().data_ptr() for each in labels}) == 1
    for found, given, unchanged in zip(arrived, samples, before):
        assert_equal(found, given)
        assert_equal(given, unchanged)


def uneven(index: int) -> PoseDataSample:
    one = sample(index)['data_samples']
    one.gt_instance_labels = InstanceData(keypoint_labels=torch.ones(1 + index, 17, 2))
    return one


def other_kinds(index: int) -> PoseDataSample:
    one = sample(index)['data_samples']
    one.gt_instance_labels = InstanceData(**{f'kind_{index}': torch.ones(1)})
    return one


def arrays(index: int) -> PoseDataSample:
    one = sample(index)['data_samples']
    one.gt_instance_labels = InstanceData(keypoint_labels=np.ones((1, 17, 2)))
    return one


def bare(index: int) -> PoseDataSample:
    return PoseDataSample(metainfo={'id': index})


def annotated(index: int) -> PoseDataSample:
    one = sample(index)['data_samples']
    one.gt_instance_labels.set_metainfo({'source': index})
    return one


@pytest.mark.parametrize('make', [uneven, other_kinds, arrays, bare, annotated])
def test_samples_that_are_not_alike_travel_one_by_one(make):
    samples = [make(index) for index in range(3)]
    for found, expected in zip(pickle.loads(pickle.dumps(SampleBatch.of(samples))), samples):
        assert_equal(found, expected)


def test_pictures_of_several_sizes_stay_a_list():
    batch = [sample(0), sample(1, side=9)]
    assert [tuple(each.shape) for each in stack_samples(batch)['inputs']] == [(3, 8, 8), (3, 9, 9)]


@pytest.mark.parametrize('divisor', [1, 16])
def test_stacked_pictures_are_preprocessed_as_listed_ones_are(divisor):
    init_default_scope('mmpose')
    config = Config.fromfile(config_path('hrnet_w32_coco')).model.data_preprocessor
    config.pad_size_divisor = divisor
    theirs = MODELS.build({**config, 'type': 'PoseDataPreprocessor'})
    batch = [{**sample(0), 'inputs': sample(index, side=24)['inputs'][:, :8]} for index in range(3)]
    expected = theirs(pseudo_collate([{**b, 'data_samples': PoseDataSample()} for b in batch]))
    found = MODELS.build(config)(
        stack_samples([{**b, 'data_samples': PoseDataSample()} for b in batch])
    )
    assert torch.equal(found['inputs'], expected['inputs'])
    for ours, mmposes in zip(found['data_samples'], expected['data_samples']):
        assert_equal(ours, mmposes)


def test_loaders_name_it_where_that_is_understood():
    config = Config.fromfile(config_path('hrnet_w32_coco'))
    for loader in ('train_dataloader', 'val_dataloader'):
        assert FUNCTIONS.get(config[loader].collate_fn.type) is stack_samples
        assert config[loader].persistent_workers
        assert config[loader].pin_memory
    assert 'collate_fn' not in config.test_dataloader  # MMEngine's inferencers fail on one

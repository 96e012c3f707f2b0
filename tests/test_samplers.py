"""Evaluation in several processes sees the batches that one process sees."""

import pytest
from torch.utils.data import DataLoader, SequentialSampler

from hrnet_ext.datasets import batches as batches_module
from hrnet_ext.datasets.batches import EvaluationBatchSampler, WholeBatches


class People(list):
    """A data set of its own indices."""


class Sampler(SequentialSampler):
    """One that knows its data set, as MMEngine's do."""

    def __init__(self, data_source):
        super().__init__(data_source)
        self.dataset = data_source


def batches(monkeypatch, num_people, batch_size, world_size):
    """Each process's batches as a data loader gives them out."""
    people = People(range(num_people))
    dealt = []
    for rank in range(world_size):
        monkeypatch.setattr(batches_module, 'get_dist_info', lambda rank=rank: (rank, world_size))
        sampler = EvaluationBatchSampler(Sampler(people), batch_size)
        loader = DataLoader(people, batch_sampler=sampler, collate_fn=list)
        dealt.append(list(loader))
        assert len(loader) == len(dealt[-1])
    return dealt


@pytest.mark.parametrize('world_size', [2, 3, 5])
@pytest.mark.parametrize('num_people', [0, 1, 7, 8, 9, 33])
def test_processes_share_the_batches_of_one(monkeypatch, num_people, world_size):
    ((*alone,),) = batches(monkeypatch, num_people, 4, 1)
    assert [i for batch in alone for i in batch] == list(range(num_people))
    dealt = batches(monkeypatch, num_people, 4, world_size)
    assert sorted(batch for some in dealt for batch in some) == alone
    counts = [len(some) for some in dealt]
    assert max(counts) - min(counts) <= 1


def test_a_batch_size_is_positive():
    with pytest.raises(ValueError, match='batch_size should be positive, but is 0'):
        EvaluationBatchSampler(Sampler(People(range(3))), 0)


def test_the_former_name_works_and_warns():
    with pytest.warns(FutureWarning, match='is now hrnet_ext.EvaluationBatchSampler'):
        assert list(WholeBatches(Sampler(People(range(3))), 2)) == [[0, 1], [2]]

"""Collate samples into a batch, and distribute evaluation batches to processes.

Legend: B samples; inputs (B, 3, H, W) uint8.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.dataset import default_collate
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from hrnet_ext.models.sample_batch import SampleBatch
from hrnet_ext.registry import DATA_SAMPLERS, FUNCTIONS


@FUNCTIONS.register_module()
def stack_samples(batch: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """``collate_fn`` of the shipped data loaders: one tensor of inputs, a list of samples.

    MMEngine's function keeps the tensors of each sample separate. Each image and each kind of label
    is then sent from worker to trainer through its own shared-memory file and copied to the device
    separately. Here they are stacked, and samples hold views of the stacks.

    Args:
        batch: B outputs of ``PackPoseInputs``.

    Returns:
        ``inputs`` (B, 3, H, W), or a list if shapes differ, and ``data_samples``.
    """
    inputs = [each['inputs'] for each in batch]
    alike = len({each.shape for each in inputs}) == 1
    return {
        'inputs': default_collate(inputs) if alike else inputs,
        # Here, not when it is pickled: errors in the pickling thread are not reported.
        'data_samples': SampleBatch.of([each['data_samples'] for each in batch]),
    }


@DATA_SAMPLERS.register_module()
class EvaluationBatchSampler(Sampler[list[int]]):
    """Batches in the data set's order; complete batches are assigned to the processes in turn.

    MMEngine's sampler distributes single samples, so batches depend on the number of processes. The
    last bits of a convolution depend on the batch size (libraries choose another algorithm for a
    batch of one), and so do scores. With this batch sampler every person is in the same batch for
    any number of processes, no person is duplicated or left out, and metrics agree to the last
    digit.

    Args:
        sampler: The data loader's; only its data set is used.
        batch_size: The data loader's.
    """

    def __init__(self, sampler: Sampler, batch_size: int) -> None:
        if not batch_size > 0:
            raise ValueError(f'batch_size should be positive, but is {batch_size}')
        self.num_samples = len(sampler.dataset)
        self.batch_size = batch_size
        self.rank, self.world_size = get_dist_info()

    def __iter__(self) -> Iterator[list[int]]:
        """Lists of indices, this process's every ``world_size``-th batch."""
        for start in self._starts():
            yield list(range(start, min(start + self.batch_size, self.num_samples)))

    def __len__(self) -> int:
        """Number of this process's batches."""
        return len(self._starts())

    def _starts(self) -> range:
        first = self.rank * self.batch_size
        return range(first, self.num_samples, self.world_size * self.batch_size)


@DATA_SAMPLERS.register_module()
class WholeBatches(EvaluationBatchSampler):
    """The former name of :class:`EvaluationBatchSampler`, for one more release."""

    def __init__(self, sampler: Sampler, batch_size: int) -> None:
        warnings.warn(
            'hrnet_ext.WholeBatches is now hrnet_ext.EvaluationBatchSampler; the next release will '
            'not know the former name any more',
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(sampler, batch_size)

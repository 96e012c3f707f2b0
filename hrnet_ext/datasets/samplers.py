"""Which process evaluates which people."""

from collections.abc import Iterator

from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from hrnet_ext.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class WholeBatches(Sampler[list[int]]):
    """Batches of an evaluation, in the data set's order, dealt out to the processes whole.

    MMEngine's sampler deals out samples one by one, so that several processes form other batches
    than one does. A convolution's last bits depend on the size of its batch (a batch of one person
    takes another way through the library), and so then do scores. With this batch sampler every
    person meets the same batch in any number of processes, none is doubled or left out, and
    metrics agree to the last digit.

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

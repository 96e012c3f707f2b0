"""The data samples of a batch, which move in one piece: to a process, pinned memory, a device.

Legend: B samples; *targets* are tensors of several kinds in each sample, what a network is trained
to give; a stack (B, ...) holds all targets of one kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

TARGETS = ('_gt_instance_labels', '_gt_fields')  # where a PoseDataSample keeps its tensors
Stacks = dict[str, dict[str, Tensor]]  # by holder and kind


class SampleBatch(list):
    """A list of data samples whose targets, where they are alike, are views of one stack a kind.

    Each way of moving it copies one tensor a kind, however many samples there are. Targets that
    were exchanged since are stacked anew.
    """

    @classmethod
    def of(cls, samples: Sequence[BaseDataElement]) -> SampleBatch:
        """The samples, stacked; those given are not changed."""
        return cls(_with_targets(samples, _stacks(samples)))

    def pin_memory(self) -> SampleBatch:
        """A copy that a GPU fetches by itself; ``DataLoader(pin_memory=True)`` asks for it."""
        return self._mapped(Tensor.pin_memory)

    def to(self, device: torch.device, *, non_blocking: bool = False) -> SampleBatch:
        """A copy on a device.

        Args:
            device: Where to.
            non_blocking: Whether copies from pinned memory may go on meanwhile.
        """
        there = self._mapped(lambda stack: stack.to(device, non_blocking=non_blocking))
        return type(self)(moved(sample, device, non_blocking=non_blocking) for sample in there)

    def _mapped(self, function: Callable[[Tensor], Tensor]) -> SampleBatch:
        stacks = {
            holder: {kind: function(stack) for kind, stack in kinds.items()}
            for holder, kinds in _stacks(self).items()
        }
        return type(self)(_with_targets(self, stacks))

    def __reduce__(self) -> tuple:
        stacks = _stacks(self)
        nothing = {name: dict.fromkeys(kinds, [None] * len(self)) for name, kinds in stacks.items()}
        return _unpack, (list(_with_targets(self, nothing)), stacks)


def moved(
    sample: BaseDataElement, device: torch.device, *, non_blocking: bool = False
) -> BaseDataElement:
    """A new data sample with the tensors of ``sample`` on ``device``.

    MMEngine's ``to`` deep-copies what else a sample knows, COCO's whole annotation for one, which
    takes longer than the tensors; here both refer to the same.

    Args:
        sample: Stays as it is.
        device: Where to.
        non_blocking: Whether copies from pinned memory may go on meanwhile.
    """

    def move(value: object) -> object:
        if isinstance(value, BaseDataElement):
            return moved(value, device, non_blocking=non_blocking)
        if isinstance(value, Tensor):
            return value.to(device, non_blocking=non_blocking)
        return value

    # by the names under which values are kept; some are properties' and begin with _
    kept = {name: value for name, value in vars(sample).items() if name in sample._data_fields}
    return _replaced(sample, {name: move(value) for name, value in kept.items()})


def are_alike(values: Sequence[object]) -> bool:
    """Whether they are what a stack can be made of: tensors of one shape, type and device."""
    tensors = all(isinstance(value, Tensor) for value in values)
    return tensors and len({(value.shape, value.dtype, value.device) for value in values}) == 1


def _stacks(samples: Sequence[BaseDataElement]) -> Stacks:
    """All targets of each kind as one tensor, of the kinds that are alike."""
    stacks: Stacks = {}
    for name in TARGETS:
        holders = [sample.get(name) for sample in samples]
        if not holders or None in holders:
            continue
        columns = {kind: [each.get(kind) for each in holders] for kind, _ in holders[0].items()}
        kinds = {kind: _joined(column) for kind, column in columns.items() if are_alike(column)}
        if kinds:
            stacks[name] = kinds
    return stacks


def _joined(rows: Sequence[Tensor]) -> Tensor:
    """The rows (...) as (B, ...); what they are views of, if they are its rows in their order."""
    whole, size = rows[0]._base, rows[0].numel()
    if whole is not None and whole.shape == (len(rows), *rows[0].shape):
        places = [(row._base is whole, row.storage_offset()) for row in rows]
        start = whole.storage_offset()
        if whole.is_contiguous() and places == [
            (True, start + index * size) for index in range(len(rows))
        ]:
            return whole
    return torch.stack(list(rows))


def _with_targets(
    samples: Sequence[BaseDataElement], stacks: Mapping[str, Mapping[str, Iterable[Any]]]
) -> Iterator[BaseDataElement]:
    """Copies of the samples with targets exchanged for the rows of stacks."""
    rows = {
        name: [dict(zip(kinds, row)) for row in zip(*kinds.values())]
        for name, kinds in stacks.items()
    }
    for index, sample in enumerate(samples):
        holders = {name: _replaced(sample.get(name), row[index]) for name, row in rows.items()}
        yield _replaced(sample, holders)


def _replaced(element: BaseDataElement, values: Mapping[str, Any]) -> BaseDataElement:
    """A copy that refers to the same values but for those given."""
    copy = type(element).__new__(type(element))
    sets = {key: set(getattr(element, key)) for key in ('_data_fields', '_metainfo_fields')}
    vars(copy).update({**vars(element), **sets, **values})
    return copy


def _unpack(samples: list[BaseDataElement], stacks: Stacks) -> SampleBatch:
    return SampleBatch(_with_targets(samples, stacks))

"""The data samples of a batch, copied as a whole: to another process, pinned memory or a device.

Legend: B samples; *targets* are the tensors of each sample that training compares the output with,
of several kinds; a stack (B, ...) holds all targets of one kind.
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
    """A list of data samples whose targets are views of one stack per kind.

    Only targets of equal shape, type and device are stacked. Each method copies one tensor per
    kind, whatever the number of samples. Targets that were replaced in the meantime are stacked
    again.
    """

    @classmethod
    def of(cls, samples: Sequence[BaseDataElement]) -> SampleBatch:
        """Stack the samples' targets; the samples themselves are not changed."""
        return cls(_with_targets(samples, _stacks(samples)))

    def pin_memory(self) -> SampleBatch:
        """A copy in pinned memory, for ``DataLoader(pin_memory=True)``."""
        return self._mapped(Tensor.pin_memory)

    def to(self, device: torch.device, *, non_blocking: bool = False) -> SampleBatch:
        """A copy on a device.

        Args:
            device: Target device.
            non_blocking: Whether copies from pinned memory may run asynchronously.
        """
        copied = self._mapped(lambda stack: stack.to(device, non_blocking=non_blocking))
        return type(self)(move_sample(each, device, non_blocking=non_blocking) for each in copied)

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


def move_sample(
    sample: BaseDataElement, device: torch.device, *, non_blocking: bool = False
) -> BaseDataElement:
    """A new data sample with the tensors of ``sample`` on ``device``.

    MMEngine's ``to`` also deep-copies everything else in a sample, such as COCO's whole annotation,
    which takes longer than copying the tensors. Here both samples share it.

    Args:
        sample: Is not changed.
        device: Target device.
        non_blocking: Whether copies from pinned memory may run asynchronously.
    """

    def move(value: object) -> object:
        if isinstance(value, BaseDataElement):
            return move_sample(value, device, non_blocking=non_blocking)
        if isinstance(value, Tensor):
            return value.to(device, non_blocking=non_blocking)
        return value

    # Keys of the instance dict: those behind properties begin with an underscore.
    kept = {name: value for name, value in vars(sample).items() if name in sample._data_fields}
    return _replaced(sample, {name: move(value) for name, value in kept.items()})


def are_alike(values: Sequence[object]) -> bool:
    """Whether they can be stacked: tensors of one shape, type and device."""
    tensors = all(isinstance(value, Tensor) for value in values)
    return tensors and len({(value.shape, value.dtype, value.device) for value in values}) == 1


def _stacks(samples: Sequence[BaseDataElement]) -> Stacks:
    """All targets of each kind as one tensor, for the kinds that can be stacked."""
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
    """Stack rows (...) to (B, ...); no copy if they are all rows of one tensor, in order."""
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
    """Copies of the samples with the rows of the stacks as targets."""
    rows = {
        name: [dict(zip(kinds, row)) for row in zip(*kinds.values())]
        for name, kinds in stacks.items()
    }
    for index, sample in enumerate(samples):
        holders = {name: _replaced(sample.get(name), row[index]) for name, row in rows.items()}
        yield _replaced(sample, holders)


def _replaced(element: BaseDataElement, values: Mapping[str, Any]) -> BaseDataElement:
    """A shallow copy with some values replaced."""
    copy = type(element).__new__(type(element))
    sets = {key: set(getattr(element, key)) for key in ('_data_fields', '_metainfo_fields')}
    vars(copy).update({**vars(element), **sets, **values})
    return copy


def _unpack(samples: list[BaseDataElement], stacks: Stacks) -> SampleBatch:
    return SampleBatch(_with_targets(samples, stacks))

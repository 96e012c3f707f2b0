"""From samples to a batch, and from a data loader's worker to the process that trains.

Legend: B samples; inputs (B, 3, H, W) uint8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dataset import default_collate
from mmengine.structures import BaseDataElement
from mmpose.structures import PoseDataSample
from torch import Tensor
from torch.utils.data import get_worker_info

from hrnet_ext.registry import FUNCTIONS

TARGETS = ('_gt_instance_labels', '_gt_fields')  # where a PoseDataSample keeps its tensors
Stack = dict[str, Tensor]


@FUNCTIONS.register_module()
def stack_samples(batch: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """``collate_fn`` of the shipped data loaders: one tensor of inputs, a list of samples.

    MMEngine's leaves every sample's tensors alone, each of which then goes from worker to trainer
    by a file of its own: one for the picture and one for each kind of label, B times. Here they are
    stacked first, and what arrives are views of the stacks.

    Args:
        batch: What ``PackPoseInputs`` made, B times.

    Returns:
        ``inputs`` (B, 3, H, W), or a list where shapes differ, and ``data_samples``.
    """
    inputs = [each['inputs'] for each in batch]
    samples = [each['data_samples'] for each in batch]
    alike = len({each.shape for each in inputs}) == 1
    return {
        'inputs': default_collate(inputs) if alike else inputs,
        'data_samples': samples if get_worker_info() is None else Parcel(samples),
    }


class Parcel:
    """Samples on their way to another process, where they arrive as a list of such samples.

    Args:
        samples: B; they are not changed.
    """

    def __init__(self, samples: Sequence[PoseDataSample]) -> None:
        # Packed here and not in __reduce__: what fails in the thread that pickles is never heard of
        contents = [dict(vars(sample)) for sample in samples]
        stacks = {name: _stack([each.get(name) for each in contents]) for name in TARGETS}
        stacks = {name: stack for name, stack in stacks.items() if stack}
        rest = [{k: v for k, v in each.items() if k not in stacks} for each in contents]
        holders = {name: type(contents[0][name]) for name in stacks}
        self._content = (type(samples[0]), rest, holders, stacks)

    def __reduce__(self) -> tuple:
        return _unpack, self._content


def _stack(holders: Sequence[BaseDataElement | None]) -> Stack:
    """Everybody's targets of each kind as one tensor; empty where they are not alike."""
    if None in holders or any(each.metainfo_keys() for each in holders):
        return {}
    if len({tuple(each.keys()) for each in holders}) != 1:
        return {}
    kinds = holders[0].keys()
    columns = {name: [each.get(name) for each in holders] for name in kinds}
    if not all(map(_stackable, columns.values())):
        return {}
    return {name: torch.stack(column) for name, column in columns.items()}


def _stackable(values: Sequence[object]) -> bool:
    tensors = all(isinstance(value, Tensor) for value in values)
    return tensors and len({(value.shape, value.dtype) for value in values}) == 1


def _unpack(
    kind: type, contents: list[dict[str, Any]], holders: dict[str, type], stacks: dict[str, Stack]
) -> list[BaseDataElement]:
    """The samples as they were packed."""
    for name, stack in stacks.items():
        for content, row in zip(contents, zip(*stack.values())):
            content[name] = _filled(holders[name](), dict(zip(stack, row)))
    return [_sample(kind, content) for content in contents]


def _filled(holder: BaseDataElement, values: Stack) -> BaseDataElement:
    for name, value in values.items():
        holder.set_field(value, name)
    return holder


def _sample(kind: type, content: dict[str, Any]) -> BaseDataElement:
    """As pickle itself would make it."""
    sample = kind.__new__(kind)
    vars(sample).update(content)
    return sample

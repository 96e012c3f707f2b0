"""Data samples, on the device."""

import torch
from mmengine.structures import BaseDataElement


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
    copy = type(sample)()
    for name, value in sample.metainfo_items():
        copy.set_field(value, name, field_type='metainfo')
    copy.set_data(
        {name: _moved_value(value, device, non_blocking) for name, value in sample.items()}
    )
    return copy


def _moved_value(value: object, device: torch.device, non_blocking: bool) -> object:
    if isinstance(value, BaseDataElement):
        return moved(value, device, non_blocking=non_blocking)
    if isinstance(value, torch.Tensor):
        return value.to(device, non_blocking=non_blocking)
    return value

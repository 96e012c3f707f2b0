"""Choose and check the device to compute on."""

import torch
from mmengine.device import get_device


def choose_device(device: str | torch.device | None) -> str:
    """The name of a device of this machine.

    Args:
        device: ``'cpu'``, ``'cuda:0'``, ...; None takes a GPU if there is one.

    Raises:
        ValueError: If it cannot be used; the message lists the available ones.
    """
    if device is None:
        return get_device()
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        there = ['cpu', *(f'cuda:{index}' for index in range(torch.cuda.device_count()))]
        cure = ''
        if str(device).startswith('cuda') and not torch.cuda.is_available():
            cure = '; PyTorch finds no GPU or no driver, see `python -m hrnet_ext.doctor`'
        raise ValueError(
            f'--device {device} is not available; available: {", ".join(there)}{cure}'
        ) from error
    return str(device)

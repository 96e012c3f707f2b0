"""Which device to run on where nobody says."""

import torch


def best_device() -> str:
    """``cuda:0`` where there is one, Apple's GPU where there is one, else the CPU."""
    if torch.cuda.is_available():
        return 'cuda:0'
    return 'mps' if torch.backends.mps.is_available() else 'cpu'

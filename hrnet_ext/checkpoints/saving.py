"""Save checkpoints atomically, so that an earlier one is never lost."""

import io
import os
from typing import Any

import torch

from hrnet_ext.writing import write_atomically


def save_checkpoint(checkpoint: Any, path: str | os.PathLike[str]) -> None:
    """``torch.save``, atomically.

    Raises:
        OSError: As :func:`write_atomically`.
    """
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    write_atomically(path, buffer.getbuffer())

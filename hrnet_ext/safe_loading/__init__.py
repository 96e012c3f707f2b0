"""Read checkpoint files without running code from them; needs no network, only PyTorch."""

from hrnet_ext.safe_loading.loading import (
    CheckpointError,
    UnsafeCheckpointError,
    load_checkpoint,
    read_checkpoint,
)

__all__ = ['CheckpointError', 'UnsafeCheckpointError', 'load_checkpoint', 'read_checkpoint']

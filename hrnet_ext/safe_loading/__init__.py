"""Read and download checkpoint files without running code from them."""

from hrnet_ext.safe_loading.downloading import download
from hrnet_ext.safe_loading.errors import CheckpointError, UnsafeCheckpointError
from hrnet_ext.safe_loading.loading import load_checkpoint, read_checkpoint

__all__ = [
    'CheckpointError',
    'UnsafeCheckpointError',
    'download',
    'load_checkpoint',
    'read_checkpoint',
]

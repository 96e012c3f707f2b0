"""The public name for inference in Python: ``from hrnet_ext.apis import PoseInferencer``."""

from typing import Any

__all__ = ['PoseInferencer']  # noqa: F822 - imported on first use


def __getattr__(name: str) -> Any:
    """Import the inferencer on first use, because it imports PyTorch and MMPose."""
    if name == 'PoseInferencer':
        from hrnet_ext.inference.inferencer import PoseInferencer

        return PoseInferencer
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

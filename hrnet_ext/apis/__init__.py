"""What a program calls: training, testing and inference."""

from typing import Any

__all__ = ['PoseInferencer']


def __getattr__(name: str) -> Any:
    """Import the inferencer when it is asked for: the tools' ``--help`` should not wait for it."""
    if name == 'PoseInferencer':
        from hrnet_ext.apis.inferencer import PoseInferencer

        return PoseInferencer
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

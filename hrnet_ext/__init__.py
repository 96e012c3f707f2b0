"""HRNet for today's OpenMMLab: an MMPose-style plug-in."""

from typing import Any

from hrnet_ext import compat
from hrnet_ext.paths import config_path

__version__ = '0.1.0'
__all__ = ['__version__', 'compat', 'config_path', 'optimize']

compat.apply()


def __getattr__(name: str) -> Any:
    """Import ``optimize`` lazily, because it needs PyTorch."""
    if name == 'optimize':
        from hrnet_ext.acceleration import optimize

        return optimize
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

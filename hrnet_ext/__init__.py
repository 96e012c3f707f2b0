"""HRNet for today's OpenMMLab: an MMPose-style plug-in."""

from hrnet_ext import compat
from hrnet_ext.paths import config_path

__version__ = '0.1.0'
__all__ = ['__version__', 'compat', 'config_path']

compat.apply()

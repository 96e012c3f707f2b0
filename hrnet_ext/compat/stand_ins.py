"""Where the stand-in modules come from, and whether the real ones are there."""

from __future__ import annotations

import importlib.util
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_HERE = Path(__file__).parent


class _OperatorsLoader(Loader):
    """Fills ``mmcv._ext`` with the operators of ``hrnet_ext.compat.mmcv_ops``."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None  # the ordinary empty module

    def exec_module(self, module: ModuleType) -> None:
        from hrnet_ext.compat import mmcv_ops  # imports torch: not before an operator is wanted

        module.__doc__ = mmcv_ops.__doc__
        module.__dict__.update(mmcv_ops.OPERATORS)
        module.__getattr__ = mmcv_ops.missing_operator


def mmcv_ext_spec() -> ModuleSpec:
    """Spec of the operators' stand-in; being asked means mmcv is there and its own are not."""
    return ModuleSpec('mmcv._ext', _OperatorsLoader(), origin='hrnet_ext.compat.mmcv_ops')


def mmcv_ext_is_present() -> bool:
    """Whether the installed mmcv brings compiled operators."""
    parent = importlib.util.find_spec('mmcv')
    if parent is None or parent.submodule_search_locations is None:
        return False
    return PathFinder.find_spec('mmcv._ext', parent.submodule_search_locations) is not None


def xtcocotools_spec() -> ModuleSpec | None:
    """Spec of our package of that name; None without pycocotools, on which it rests."""
    if importlib.util.find_spec('pycocotools') is None:
        return None
    folder = _HERE / 'xtcocotools'
    return importlib.util.spec_from_file_location(
        'xtcocotools', folder / '__init__.py', submodule_search_locations=[str(folder)]
    )


def xtcocotools_is_present() -> bool:
    """Whether the real xtcocotools is installed, working or not."""
    return PathFinder.find_spec('xtcocotools') is not None

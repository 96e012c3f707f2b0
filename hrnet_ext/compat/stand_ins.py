"""Stand-ins for absent modules: where they come from, and the finder that offers them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType


class StandInFinder(MetaPathFinder):
    """A finder for one missing module.

    Args:
        module_name: full name of the missing module.
        make_spec: called when the module is imported and missing; None if the stand-in cannot
            work here either, in which case the usual ModuleNotFoundError follows.
    """

    def __init__(self, module_name: str, make_spec: Callable[[], ModuleSpec | None]) -> None:
        self.module_name = module_name
        self._make_spec = make_spec
        self._specs: list[ModuleSpec] = []

    @property
    def in_use(self) -> bool:
        """Whether the imported module came from this finder."""
        spec = getattr(sys.modules.get(self.module_name), '__spec__', None)
        return any(spec is ours for ours in self._specs)

    def install(self) -> None:
        """Append the finder to ``sys.meta_path``, if it is not there yet."""
        if self not in sys.meta_path:
            sys.meta_path.append(self)

    def remove(self) -> None:
        """Remove the finder from ``sys.meta_path``."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the stand-in if `fullname` is the missing module."""
        if fullname != self.module_name:
            return None
        spec = self._make_spec()
        if spec is not None:
            self._specs.append(spec)
        return spec


_HERE = Path(__file__).parent


class _OperatorsLoader(Loader):
    """A loader that fills ``mmcv._ext`` with the operators of ``hrnet_ext.compat.mmcv_ops``."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None  # the ordinary empty module

    def exec_module(self, module: ModuleType) -> None:
        from hrnet_ext.compat import (
            mmcv_ops,
        )  # imports torch, so only when mmcv's operators are imported

        module.__doc__ = mmcv_ops.__doc__
        module.__dict__.update(mmcv_ops.OPERATORS)
        module.__getattr__ = mmcv_ops.missing_operator


def mmcv_ext_spec() -> ModuleSpec:
    """The spec of the stand-in for mmcv's operators; called only if mmcv has none."""
    return ModuleSpec('mmcv._ext', _OperatorsLoader(), origin='hrnet_ext.compat.mmcv_ops')


def mmcv_ext_is_present() -> bool:
    """Whether the installed mmcv has compiled operators."""
    parent = importlib.util.find_spec('mmcv')
    if parent is None or parent.submodule_search_locations is None:
        return False
    return PathFinder.find_spec('mmcv._ext', parent.submodule_search_locations) is not None


def xtcocotools_spec() -> ModuleSpec | None:
    """The spec of our package of that name; None without pycocotools, which it needs."""
    if importlib.util.find_spec('pycocotools') is None:
        return None
    folder = _HERE / 'xtcocotools'
    return importlib.util.spec_from_file_location(
        'xtcocotools', folder / '__init__.py', submodule_search_locations=[str(folder)]
    )


def xtcocotools_is_present() -> bool:
    """Whether the real xtcocotools is installed, even if it is broken."""
    return PathFinder.find_spec('xtcocotools') is not None

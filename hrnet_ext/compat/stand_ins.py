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
    """Answers for one absent module.

    Args:
        module_name: full name of the module it stands in for.
        make_spec: called when the module is asked for and absent; None if the stand-in cannot
            work here either, in which case the usual ModuleNotFoundError follows.
    """

    def __init__(self, module_name: str, make_spec: Callable[[], ModuleSpec | None]) -> None:
        self.module_name = module_name
        self._make_spec = make_spec
        self._specs: list[ModuleSpec] = []

    @property
    def in_use(self) -> bool:
        """Whether the module that is imported now came from this finder."""
        spec = getattr(sys.modules.get(self.module_name), '__spec__', None)
        return any(spec is ours for ours in self._specs)

    def install(self) -> None:
        """Join the end of the line; harmless when already there."""
        if self not in sys.meta_path:
            sys.meta_path.append(self)

    def remove(self) -> None:
        """Leave the line."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Spec of the stand-in when `fullname` is the module it stands in for."""
        if fullname != self.module_name:
            return None
        spec = self._make_spec()
        if spec is not None:
            self._specs.append(spec)
        return spec


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

"""Offer a stand-in for a module that is absent, and only then.

The finder stands last in ``sys.meta_path``: Python asks it after every real place was searched in
vain, so an installed module always wins and a normal import never gets this far.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
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

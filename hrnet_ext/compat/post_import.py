"""Patch a module directly after its import; patches can be reverted."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Undo = Callable[[], None]
Patch = Callable[[ModuleType], 'Undo | None']


class PostImportPatch:
    """A patch of a module, pending or applied.

    Args:
        module_name: full name of the module to patch.
        patch: called with the module; returns an undo function, or None if the module needs no
            patch.
    """

    def __init__(self, module_name: str, patch: Patch) -> None:
        self.module_name = module_name
        self._patch = patch
        self._undos: list[Undo] = []
        self.state = 'pending'

    def run(self, module: ModuleType) -> None:
        """Patch `module` and keep the undo function."""
        undo = self._patch(module)
        if undo is None:
            self.state = 'not needed'
            return
        self._undos.append(undo)
        self.state = 'applied'

    def revert(self) -> None:
        """Stop waiting, and undo applied patches, latest first."""
        _WATCHER.forget(self)
        while self._undos:
            self._undos.pop()()
        self.state = 'off'


class _Watcher(MetaPathFinder):
    """A finder in first position that finds nothing itself but notices watched imports."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[PostImportPatch]] = {}
        self._searching: set[str] = set()

    def watch(self, post_import: PostImportPatch) -> None:
        self._waiting.setdefault(post_import.module_name, []).append(post_import)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def forget(self, post_import: PostImportPatch) -> None:
        patches = self._waiting.get(post_import.module_name, [])
        if post_import in patches:
            patches.remove(post_import)
        if not patches:
            self._waiting.pop(post_import.module_name, None)
        if not self._waiting and self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._waiting or fullname in self._searching:
            return None
        self._searching.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._searching.discard(fullname)
        if spec is not None and spec.loader is not None:
            self._patch_after_execution(spec)
        return spec

    def _patch_after_execution(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        # Built-in and frozen modules share a class as their loader.
        assert not isinstance(loader, type), f'{spec.name} cannot be watched'

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # restores the loader in any case
            loader.exec_module(module)
            for post_import in list(self._waiting.get(spec.name, [])):
                post_import.run(module)

        # Only on the instance: the module keeps its own loader, which inspect, pickle and
        # importlib.resources need.
        loader.exec_module = exec_module


_WATCHER = _Watcher()


def when_imported(module_name: str, patch: Patch) -> PostImportPatch:
    """Apply a patch to a module once it is imported, or now if it already is.

    Args:
        module_name: full name, such as ``'mmengine.runner.checkpoint'``.
        patch: ``patch(module) -> undo``; it may return None for "this module needs nothing".

    Returns:
        The handle: its ``state`` is 'pending', 'applied', 'not needed' or 'off'; ``revert()``
        undoes the patch and stops waiting.
    """
    post_import = PostImportPatch(module_name, patch)
    _WATCHER.watch(post_import)
    module = sys.modules.get(module_name)
    if module is not None:
        post_import.run(module)
    return post_import

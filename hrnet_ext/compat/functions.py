"""The registry of functions that MMPose and MMDetection do not have, though they look for it."""

from __future__ import annotations

from types import ModuleType

from hrnet_ext.compat.post_import import Undo


def add_function_registry(module: ModuleType) -> Undo | None:
    """Give a package a registry of functions, which finds those of MMEngine.

    MMEngine's inferencers look there for the collate function; without one they warn that the
    scope may be wrong, and take MMEngine's registry.

    Args:
        module: ``mmpose.registry`` or ``mmdet.registry``.

    Returns:
        What takes it away again; None where the package has one.
    """
    from mmengine.registry import FUNCTIONS, Registry

    scope = module.__name__.partition('.')[0]
    if scope in FUNCTIONS.children:
        return None
    Registry('function', parent=FUNCTIONS, scope=scope, locations=['mmengine.dataset'])

    def undo() -> None:
        del FUNCTIONS.children[scope]

    return undo

"""Repairs of MMEngine's inferencers: a registry they look for, and our released weights."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

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


def use_released_weights(module: ModuleType) -> Undo:
    """Let MMEngine's inferencers find the weights of a shipped config if the user gives none.

    They know only the model zoos of OpenMMLab's packages. ``weights='random'`` leaves the network
    untrained.

    Args:
        module: ``mmengine.infer.infer``.

    Returns:
        What takes the patch back.
    """
    inferencer = module.BaseInferencer
    original = inferencer._init_model

    @functools.wraps(original)
    def init_model(self: Any, cfg: Any, weights: str | None, device: str = 'cpu') -> Any:
        from hrnet_ext.released import RANDOM, find_released, released_weights

        config = getattr(cfg, 'filename', None)
        if weights == RANDOM:
            weights = None
        elif weights is None and not getattr(self, 'chooses_weights', False):
            weights = released_weights(config) if find_released(config) else None
        return original(self, cfg, weights, device)

    inferencer._init_model = init_model

    def undo() -> None:
        inferencer._init_model = original

    return undo

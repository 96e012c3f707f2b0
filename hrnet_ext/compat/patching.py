"""Replace a function in all modules that have imported it, and restore it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def replace_attribute(owner: Any, name: str, new: Any) -> Callable[[], None]:
    """Set ``owner.name``, and return a function that restores the old value."""
    old = getattr(owner, name)
    setattr(owner, name, new)
    return lambda: setattr(owner, name, old)


def replace_function(module: ModuleType, name: str, new: Callable[..., Any]) -> Callable[[], None]:
    """Replace ``module.name`` there and in every module that has already imported it.

    Args:
        module: where the function is defined.
        name: its name.
        new: the replacement.

    Returns:
        What puts the original back in all of these places, and in those that imported the
        replacement since.
    """
    old = getattr(module, name)

    @functools.wraps(new)
    def replacement(*args: Any, **kwargs: Any) -> Any:  # a unique object
        return new(*args, **kwargs)

    _rebind(old, replacement)
    return lambda: _rebind(replacement, old)


def _rebind(old: Any, new: Any) -> None:
    for module in list(sys.modules.values()):
        namespace = getattr(module, '__dict__', {})
        for name in [name for name, value in list(namespace.items()) if value is old]:
            namespace[name] = new

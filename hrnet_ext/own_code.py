"""Copies of functions that PyTorch's compiler treats as different functions.

It counts compilations by code object and gives up after eight of one ("recompile_limit"), then
runs everything as it is. Networks of one class share their ``forward``, so that they would use up
each other's.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType


def with_own_code(function: Callable) -> Callable:
    """A copy of a Python function with its own code object."""
    return FunctionType(
        function.__code__.replace(),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )

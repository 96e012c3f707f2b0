"""The types that a checkpoint may contain besides tensors: plain data that cannot run code.

PyTorch's restricted unpickler knows tensors and containers. Training checkpoints also hold numpy
scalars and arrays (metrics, data-set facts), MMEngine's log histories and a few plain containers.
Names are those found in files, so that a file written under numpy 1 loads under numpy 2 and back.
"""

import argparse
import collections
import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

GENUINE_ATTRIBUTES = {
    HistoryBuffer: ('min', 'max', 'current', 'mean'),
    OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
}
ONE_CYCLE = 'mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler'
NUMPY_CORES = ('numpy.core', 'numpy._core')  # numpy 1, numpy 2
PLAIN_TYPES = (list, dict, tuple, frozenset, int, float, str, bytes, bool, slice, range)


@dataclass(frozen=True)
class AttributeOwner:
    """Replaces a class inside a checkpoint; its attributes can be read, but it has no instances."""

    cls: type


class ForbiddenAccessError(Exception):
    """A checkpoint requests an attribute that no valid checkpoint needs."""


def genuine_attribute(owner: Any, name: str) -> Callable:
    """A restricted ``getattr`` for checkpoints: only the methods that MMEngine pickles.

    Log histories are saved with their statistics, one-cycle schedules with their interpolation,
    and pickle spells a method as ``getattr(class, name)``. Allowing the real getattr would hand
    out every function reachable from an allowed object.
    """
    cls = owner.cls if isinstance(owner, AttributeOwner) else owner
    if isinstance(cls, type) and name in GENUINE_ATTRIBUTES.get(cls, ()):
        return getattr(cls, name)
    raise ForbiddenAccessError(f'getattr({getattr(cls, "__qualname__", cls)!s}, {name!r})')


@lru_cache(maxsize=1)
def allowed_globals() -> list[Any]:
    """Entries for ``torch.serialization.safe_globals``: ``(object, name in the file)``."""
    entries = [(cls, f'builtins.{cls.__name__}') for cls in PLAIN_TYPES]
    entries += [
        (HistoryBuffer, 'mmengine.logging.history_buffer.HistoryBuffer'),
        (AttributeOwner(OneCycleParamScheduler), ONE_CYCLE),
        (genuine_attribute, 'builtins.getattr'),
        (ConfigDict, 'mmengine.config.config.ConfigDict'),
        (collections.defaultdict, 'collections.defaultdict'),
        (collections.deque, 'collections.deque'),
        (argparse.Namespace, 'argparse.Namespace'),
    ]
    # Paths from any system: the concrete class of another system cannot be instantiated here.
    entries += [
        (pathlib.Path, f'{module}.{name}')
        for module in ('pathlib', 'pathlib._local')
        for name in ('PosixPath', 'WindowsPath', 'Path')
    ]
    return entries + _numpy_globals()


def _numpy_globals() -> list[Any]:
    multiarray = np.zeros(0).__reduce__()[0].__module__
    reconstruct, scalar = np.zeros(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    assert multiarray in {f'{core}.multiarray' for core in NUMPY_CORES}
    entries = [(np.ndarray, 'numpy.ndarray'), (np.dtype, 'numpy.dtype')]
    for core in NUMPY_CORES:
        entries += [
            (reconstruct, f'{core}.multiarray._reconstruct'),
            (scalar, f'{core}.multiarray.scalar'),
        ]
    # A dtype is rebuilt as numpy.dtype and filled in as its own class, numpy.dtypes.Float64DType.
    dtype_classes = {type(np.dtype(code)) for code in np.typecodes['All']}
    return entries + sorted(dtype_classes, key=lambda cls: cls.__name__)

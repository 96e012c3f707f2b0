"""Our model and MMPose's with the same weights, and what compares their results.

Legend: B images; images (B, 3, H, W).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from torch import Tensor

from benchmarks.models import Models
from tests.gpu_check.items import Check


def models_of(check: Check, *, config: str = '', device: str = '') -> Models:
    """Models of the check's config on its device, their random weights always the same."""
    return Models(config or check.config, device or check.device)


def off_by(found: Tensor, wanted: Tensor) -> float:
    """The largest difference over the largest value; infinite where something is not finite."""
    found, wanted = found.detach().cpu().double(), wanted.detach().cpu().double()
    if found.shape != wanted.shape:
        raise AssertionError(f'shape {tuple(found.shape)}, not {tuple(wanted.shape)}')
    far = float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-30))
    return far if far == far else float('inf')


def demand(far: float, allowed: float, what: str = 'the results') -> float:
    """``far``, which is no more than ``allowed``.

    Raises:
        AssertionError: If it is more.
    """
    if not far <= allowed:
        raise AssertionError(f'{what} differ by {far:.3g}, allowed {allowed:g}')
    return far


def seconds_per_call(check: Check, call: Callable[[], object]) -> float:
    """The median of five timings, each of about .2 s; .02 s in a quick check."""
    for _ in range(1 if check.quick else 3):
        call()
    check.synchronize()
    one = _time(check, call, 1)
    repeats = max(1, int((0.02 if check.quick else 0.2) / max(one, 1e-6)))
    times = sorted(_time(check, call, repeats) for _ in range(1 if check.quick else 5))
    return times[len(times) // 2]


def _time(check: Check, call: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    check.synchronize()
    return (time.perf_counter() - start) / repeats

"""The beginning of inference, run in a process of its own by the part ``forward``."""

from __future__ import annotations

import time

from hrnet_ext.benchmark.engines import in_torch
from hrnet_ext.benchmark.options import Options
from hrnet_ext.benchmark.peak import peak_memory, reset_peak_memory
from hrnet_ext.benchmark.stage import synchronizer
from hrnet_ext.benchmark.twins import Twins
from hrnet_ext.inference import optimize

CACHE_VARIABLE = 'TORCHINDUCTOR_CACHE_DIR'  # where PyTorch's compiler keeps what it made


def begin(options: Options, mode: str | None) -> tuple[float, int]:
    """Seconds from a built model to its first heatmaps, and the peak memory in bytes.

    Args:
        options: Model and device; the largest batch size is taken.
        mode: Of ``hrnet_ext.optimize``; None is MMPose's model.
    """
    twins = Twins(options)
    images = twins.images(max(options.batch_sizes))
    model = twins.mmposes() if mode is None else twins.ours()
    wait = synchronizer(options.device)
    wait()
    reset_peak_memory(options.device)
    start = time.perf_counter()
    in_torch(model if mode is None else optimize(model, mode), images)()
    wait()
    return time.perf_counter() - start, peak_memory(options.device)

"""A model in OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from queue import Empty, LifoQueue
from threading import Semaphore

import numpy as np
import openvino

from hrnet_ext.cpu_limit import allows_bf16, usable_cores

CPU = 'CPU'
# OpenVINO's name of a precision, and that of the device's ability, best first.
HALVES = (('bf16', 'BF16'), ('f16', 'FP16'))


class OpenVinoModel:
    """A compiled model; several threads may call it.

    On a CPU OpenVINO runs one call of a compiled model after the other. With ``num_threads`` a
    thread that finds all busy compiles the model once more, as long as there are cores for it;
    after that, threads wait. Without, one call has all the cores.

    Args:
        model: It, with a batch of any size or of one.
        device: OpenVINO's name of a device.
        precision: ``'f32'``, ``'bf16'`` or ``'f16'``. fp32 is said explicitly: left alone, OpenVINO
            takes bf16 on processors that have it.
        num_threads: Of one call; None leaves it to OpenVINO.
    """

    def __init__(
        self,
        model: openvino.Model,
        *,
        device: str = CPU,
        precision: str = 'f32',
        num_threads: int | None = None,
    ) -> None:
        options = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': precision}
        if device == CPU:
            # Pinned, the threads of all processes start at the same core: two processes of one
            # thread on two cores got half a core each.
            options['ENABLE_CPU_PINNING'] = False
        if num_threads:
            options['INFERENCE_NUM_THREADS'] = num_threads
        compiled = shared_core().compile_model(model, device, options)
        self._outputs = [output.any_name for output in compiled.outputs]
        if device == CPU:
            most = usable_cores() // num_threads if num_threads else 1
            again = (model.clone(), device, options) if most > 1 else None  # it may be reshaped
        else:
            most, again = compiled.get_property('OPTIMAL_NUMBER_OF_INFER_REQUESTS'), None
        self._compiled, self._again = compiled, again
        self._more = Semaphore(max(most, 1) - 1)
        self._free: LifoQueue[openvino.InferRequest] = LifoQueue()
        self._free.put(compiled.create_infer_request())

    def __call__(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """The model's outputs by name, in their order."""
        request = self._take()
        try:
            found = request.infer([inputs], share_inputs=True)
        finally:
            self._free.put(request)
        return dict(zip(self._outputs, found.values()))

    def _take(self) -> openvino.InferRequest:
        """A request that serves nobody: a free one, a new one, else the next that gets free."""
        try:
            return self._free.get_nowait()
        except Empty:
            if not self._more.acquire(blocking=False):
                return self._free.get()
        compiled = shared_core().compile_model(*self._again) if self._again else self._compiled
        return compiled.create_infer_request()

    def __deepcopy__(self, memo: dict) -> OpenVinoModel:
        """Nothing in it ever changes: copies share it."""
        return self


@lru_cache(maxsize=1)
def shared_core() -> openvino.Core:
    """The process's one OpenVINO, which stays.

    Each gives the thread that first compiles with it a stack for signal handlers, and when it goes
    puts back the one it found. Several that go in another order than the reverse of their coming
    leave a stack that is no more: the next handled signal, a child's end or Ctrl-C, kills the
    process (seen with OpenVINO 2026.4.1).
    """
    return openvino.Core()


def fix_batch(model: openvino.Model, size: int) -> None:
    """Let a model take batches of one size only."""
    shape = model.input().get_partial_shape()
    shape[0] = size
    model.reshape(shape)


def capabilities_of(device: str = CPU) -> list[str]:
    """What a device says that it can do; it knows of no limit of oneDNN."""
    return shared_core().get_property(device, 'OPTIMIZATION_CAPABILITIES')


def best_half(capabilities: Sequence[str], device: str = CPU) -> str | None:
    """OpenVINO's name of the half precision that a device computes in hardware; None without one.

    Args:
        capabilities: What the device says that it can do.
        device: Its name.
    """
    able = set(capabilities)
    if device == CPU and not allows_bf16():
        able.discard('BF16')
    return next((name for name, ability in HALVES if ability in able), None)

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
# OpenVINO's name of a precision, and that of the device capability, best first.
HALVES = (('bf16', 'BF16'), ('f16', 'FP16'))


class OpenVinoModel:
    """A compiled model; several threads may call it.

    On a CPU OpenVINO runs the calls of a compiled model one after another. With ``num_threads``, a
    thread that finds all copies busy compiles another copy, as long as there are enough cores;
    after that, threads wait. Without ``num_threads`` one call uses all cores.

    Args:
        model: The model, with a dynamic or fixed batch size.
        device: OpenVINO's name of a device.
        precision: ``'f32'``, ``'bf16'`` or ``'f16'``. fp32 must be explicit, because OpenVINO's
            default is bf16 on processors that have it.
        num_threads: Threads per call; None uses OpenVINO's default.
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
            # With pinning, the threads of all processes start at the same core: two processes with
            # one thread each shared one of two cores.
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
        """An unused request: a free one, a new one, else the next that becomes free."""
        try:
            return self._free.get_nowait()
        except Empty:
            if not self._more.acquire(blocking=False):
                return self._free.get()
        compiled = shared_core().compile_model(*self._again) if self._again else self._compiled
        return compiled.create_infer_request()

    def __deepcopy__(self, memo: dict) -> OpenVinoModel:
        """It is immutable, so copies share it."""
        return self


@lru_cache(maxsize=1)
def shared_core() -> openvino.Core:
    """The only OpenVINO core of the process; it is never destroyed.

    A core installs a stack for signal handlers in the thread that first compiles with it, and
    restores the previous stack when it is destroyed. If several cores are not destroyed in reverse
    order, they leave a dangling signal stack; the next handled signal, such as a child's end or
    Ctrl-C, crashes the process (seen with OpenVINO 2026.4.1).
    """
    return openvino.Core()


def fix_batch(model: openvino.Model, size: int) -> None:
    """Let a model take batches of one size only."""
    shape = model.input().get_partial_shape()
    shape[0] = size
    model.reshape(shape)


def capabilities_of(device: str = CPU) -> list[str]:
    """The capabilities a device reports, without regard to limits set for oneDNN."""
    return shared_core().get_property(device, 'OPTIMIZATION_CAPABILITIES')


def best_half(capabilities: Sequence[str], device: str = CPU) -> str | None:
    """OpenVINO's name of the half precision that a device computes in hardware; None without one.

    Args:
        capabilities: The capabilities that the device reports.
        device: Its name.
    """
    able = set(capabilities)
    if device == CPU and not allows_bf16():
        able.discard('BF16')
    return next((name for name, ability in HALVES if ability in able), None)

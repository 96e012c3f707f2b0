"""What the device multiplies at best, and how much memory a call takes."""

from __future__ import annotations

import torch

SIDES = {'cpu': 1024, 'cuda': 8192}  # of square matrices: large enough to be at the peak


class Product:
    """A product of large square matrices, to be timed: what the device is capable of.

    Args:
        device: Computed with the threads that torch uses at the time.
        dtype: On CUDA, fp32 products use TF32 where convolutions may.
    """

    def __init__(self, device: str, dtype: torch.dtype) -> None:
        side = SIDES.get(torch.device(device).type, min(SIDES.values()))
        self._factor = torch.ones(side, side, device=device, dtype=dtype)
        self.flops = 2 * side**3  # a multiply-add is two operations

    def __call__(self) -> torch.Tensor:
        """The product."""
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
        try:
            return self._factor @ self._factor
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before


def reset_peak_memory(device: str) -> None:
    """Forget the peak so far; on a CPU what the process holds is the new beginning."""
    if torch.device(device).type == 'cuda':
        torch.cuda.reset_peak_memory_stats(torch.device(device))
        return
    try:
        with open('/proc/self/clear_refs', 'w') as file:
            file.write('5')  # the resident set's high-water mark, see proc(5)
    except OSError:  # not Linux, or not allowed: the mark stays, and a fresh process has none
        return


def peak_memory(device: str) -> int:
    """Bytes at the peak: of tensors on CUDA (never run), of the resident set on a CPU."""
    if torch.device(device).type == 'cuda':
        return torch.cuda.max_memory_allocated(torch.device(device))
    return _status('VmHWM') or _highest_ever()


def memory_note(kind: str) -> str:
    """What :func:`peak_memory` counts, for the foot of a table."""
    if kind == 'cuda':
        return 'memory of tensors on the device'
    return 'resident memory of the process, some 800 MiB of imported libraries included'


def _status(key: str) -> int | None:
    try:
        with open('/proc/self/status') as file:
            lines = [line for line in file if line.startswith(f'{key}:')]
    except OSError:
        return None
    return int(lines[0].split()[1]) * 1024 if lines else None


def _highest_ever() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

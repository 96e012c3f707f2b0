"""Which of a CPU's instructions oneDNN may use, by which PyTorch and OpenVINO compute; its cores.

OneDNN's environment variable imitates older processors, see docs/speed.md. The standard library
alone is imported: what runs exported files does without PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

VARIABLES = ('ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA')  # the first that is set counts
# oneDNN's names of instruction sets that do not multiply bf16; names unknown to it limit nothing.
WITHOUT_BF16 = frozenset(
    ('SSE41', 'AVX', 'AVX2', 'AVX2_VNNI', 'AVX2_VNNI_2', 'AVX512_CORE', 'AVX512_CORE_VNNI')
)


def instruction_limit(environment: Mapping[str, str] = os.environ) -> str:
    """The limit as it is set, ``'ONEDNN_MAX_CPU_ISA=AVX2'``; empty without one."""
    for name in VARIABLES:
        if environment.get(name):
            return f'{name}={environment[name]}'
    return ''


def allows_bf16(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether oneDNN may multiply bf16 in hardware, where the CPU can."""
    return instruction_limit(environment).partition('=')[2].upper() not in WITHOUT_BF16


def usable_cores() -> int:
    """How many this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""The instruction sets that oneDNN (used by PyTorch and OpenVINO) may use, and the CPU's cores.

OneDNN's environment variable emulates older processors, see docs/speed.md. The standard library
alone is imported: what runs exported files does without PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

VARIABLES = ('ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA')  # the first one that is set is used
# oneDNN's names of instruction sets without bf16; unknown names have no effect.
WITHOUT_BF16 = frozenset(
    ('SSE41', 'AVX', 'AVX2', 'AVX2_VNNI', 'AVX2_VNNI_2', 'AVX512_CORE', 'AVX512_CORE_VNNI')
)


def instruction_limit(environment: Mapping[str, str] = os.environ) -> str:
    """The limit, such as ``'ONEDNN_MAX_CPU_ISA=AVX2'``; empty if there is none."""
    for name in VARIABLES:
        if environment.get(name):
            return f'{name}={environment[name]}'
    return ''


def allows_bf16(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether oneDNN may use the CPU's bf16 instructions."""
    return instruction_limit(environment).partition('=')[2].upper() not in WITHOUT_BF16


def usable_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

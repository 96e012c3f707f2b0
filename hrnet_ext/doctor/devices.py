"""The available devices: GPUs, or why none is used, and the number format of each."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

VISIBLE = 'CUDA_VISIBLE_DEVICES'
_KERNEL_MODULE = Path('/proc/driver/nvidia/version')
_ASK_DRIVER = ('nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader')
_OTHER_TORCH = 'install a torch for an older CUDA, see pytorch.org/get-started/previous-versions'


class GpuFacts(NamedTuple):
    """The facts that determine whether GPUs are used.

    Args:
        built_for: What torch was built for, ``'CUDA 13.0'`` or ``'ROCm 6.4'``; empty for a CPU.
        architectures: The GPUs it has kernels for, ``'sm_75 sm_90'``; empty if it does not say.
        gpus: Name and compute capability of each that it finds.
        driver: Its version; empty if none is found.
        error: What torch says when it starts CUDA.
        visible: The environment variable ``CUDA_VISIBLE_DEVICES``; None where it is not set.
    """

    built_for: str = ''
    architectures: str = ''
    gpus: tuple[tuple[str, tuple[int, int]], ...] = ()
    driver: str = ''
    error: str = ''
    visible: str | None = None


def describe_gpus(facts: GpuFacts) -> str:
    """The GPUs with driver and CUDA version, or why none is used and how to fix it."""
    if facts.gpus:
        names = ', '.join(_describe_gpu(*gpu, facts.architectures) for gpu in facts.gpus)
        return f'{names}; driver {facts.driver or "unknown"}, torch built for {facts.built_for}'
    return f'not used: {_reason(facts)}'


def look() -> dict[str, Any]:
    """The rows of the table; runs in a separate process, because importing torch may crash it."""
    facts = gpu_facts()
    devices = ['cpu', *(f'cuda:{index}' for index in range(len(facts.gpus)))]
    return {'cuda': describe_gpus(facts), 'formats': [_format_of(device) for device in devices]}


def gpu_facts(environment: Mapping[str, str] = os.environ) -> GpuFacts:
    """Look for GPUs; starts CUDA."""
    import torch

    cuda, hip = torch.version.cuda, torch.version.hip
    built_for = f'CUDA {cuda}' if cuda else f'ROCm {hip}' if hip else ''
    error, gpus, architectures = '', (), ''
    if built_for:
        try:
            torch.cuda.init()
            gpus = tuple(
                (torch.cuda.get_device_name(index), torch.cuda.get_device_capability(index))
                for index in range(torch.cuda.device_count())
            )
            architectures = ' '.join(torch.cuda.get_arch_list()) if cuda else ''
        except (RuntimeError, AssertionError) as caught:
            error = str(caught)
    return GpuFacts(
        built_for, architectures, gpus, _driver_version(), error, environment.get(VISIBLE)
    )


def _reason(facts: GpuFacts) -> str:
    if not facts.built_for:
        return 'this torch was built for CPUs; pip install torch==2.12.1 is one for GPUs'
    if facts.built_for.startswith('CUDA') and not facts.driver:
        return f'no NVIDIA driver found; torch was built for {facts.built_for}'
    if facts.visible is not None and facts.visible.strip() in ('', '-1'):
        return f'{VISIBLE}="{facts.visible}" hides all GPUs; unset it'
    built_for = f'torch was built for {facts.built_for}'
    if 'too old' in facts.error:
        found = re.search(r'found version (\d+?)0(\d+)0\b', facts.error)
        able = f', which is for CUDA {found[1]}.{found[2]},' if found else ''
        return f'driver {facts.driver}{able} is too old, {built_for}; update it, or {_OTHER_TORCH}'
    said = facts.error.strip().splitlines()
    return f'{said[0] if said else "torch finds no GPU"}; driver {facts.driver}, {built_for}'


def _describe_gpu(name: str, capability: tuple[int, int], architectures: str) -> str:
    known = re.findall(r'\b(sm|compute)_(\d+)(\d)', architectures)
    lacks = known and not any(
        _runs_on(kind, (int(major), int(minor)), capability) for kind, major, minor in known
    )
    trouble = f': torch has no kernels; {_OTHER_TORCH}' if lacks else ''
    return f'{name} (capability {capability[0]}.{capability[1]}{trouble})'


def _runs_on(kind: str, built: tuple[int, int], capability: tuple[int, int]) -> bool:
    """Machine code (sm) runs on later GPUs of one generation, PTX (compute) on all later ones."""
    return built <= capability and (kind == 'compute' or built[0] == capability[0])


def _driver_version() -> str:
    try:
        text = _KERNEL_MODULE.read_text()
    except OSError:
        text = _ask_driver()
    found = re.search(r'\b\d{3}\.[\d.]*\d', text)
    return found[0] if found else ''


def _ask_driver() -> str:
    try:
        return subprocess.run(_ASK_DRIVER, capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ''


def _format_of(device: str) -> list[str]:
    from hrnet_ext.precision import choice_for

    choice = choice_for(device)
    scaling = ' with loss scaling' if choice.scales_loss else ''
    best = f'training {choice.training}{scaling}, inference {choice.inference}'
    return [device, f'{best}: {choice.reason}']

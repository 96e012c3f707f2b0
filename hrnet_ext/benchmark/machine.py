"""The machine that a benchmark ran on, so that its numbers can be quoted."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import hrnet_ext
from hrnet_ext.cpu_limit import VARIABLES, usable_cores
from hrnet_ext.precision import choice_for

# What limits the instructions of oneDNN, ATen, MKL and OpenVINO
LIMITS = (*VARIABLES, 'ATEN_CPU_CAPABILITY', 'MKL_ENABLE_INSTRUCTIONS', 'OV_CPU_MAX_ISA')
PACKAGES = ('mmpose', 'mmdet', 'mmengine', 'numpy', 'onnxruntime', 'openvino')


def describe_machine(device: str) -> dict[str, Any]:
    """Processor, threads, device, versions, date.

    Args:
        device: What torch calls the device in use.
    """
    facts = {
        'processor': f'{_processor()}, {usable_cores()} cores',
        'threads': torch.get_num_threads(),
        'device': device,
        'memory': f'{os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30:.0f} GiB',
        'instructions': _instructions(),
    }
    if torch.device(device).type == 'cuda':
        properties = torch.cuda.get_device_properties(torch.device(device))
        facts['GPU'] = f'{properties.name}, {properties.total_memory / 2**30:.0f} GiB'
    versions = [f'hrnet_ext {hrnet_ext.__version__}', f'Python {platform.python_version()}']
    versions += [f'torch {torch.__version__}', *_installed(PACKAGES)]
    return {
        **facts,
        'versions': ', '.join(versions),
        'date': datetime.datetime.now().astimezone().isoformat(timespec='minutes'),
    }


def _instructions() -> str:
    """Of the CPU, with what the environment switches off: the figures are of another CPU then."""
    best = 'bf16' if choice_for('cpu').inference == 'bf16' else 'no bf16'
    limits = [f'{name}={os.environ[name]}' for name in LIMITS if os.environ.get(name)]
    return ', '.join([torch.backends.cpu.get_cpu_capability(), best, *limits])


def load_average() -> str:
    """How many processes wanted to run, on average of 1, 5 and 15 minutes."""
    try:
        return ' '.join(f'{load:.2f}' for load in os.getloadavg())
    except OSError:
        return 'unknown'


def _processor() -> str:
    """Its name and, where Linux tells them, family and model: some machines hide the name."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(':')
        facts.setdefault(key.strip(), value.strip())
    if 'model name' not in facts:
        return platform.processor() or platform.machine()
    return f'{facts["model name"]} (family {facts["cpu family"]}, model {facts["model"]})'


def _installed(names: tuple[str, ...]) -> list[str]:
    found = {dist.metadata['Name'].lower(): dist.version for dist in metadata.distributions()}
    return [f'{name} {found[name]}' for name in names if name in found]

"""Choose the number format for a device, for training and inference.

What a device can do is a :class:`Hardware`, what follows from it a :class:`Choice`. Exported files
ask their runtime instead, see :mod:`hrnet_ext.runtimes.open_vino`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hrnet_ext.cpu_limit import allows_bf16, instruction_limit

FORMATS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}
CPU_BF16 = ('avx512_bf16', 'amx_bf16', 'bf16', 'sve_bf16')  # PyTorch's names; Arm's are the last
CPU_VNNI = ('avx512_vnni', 'avx_vnni')
TENSOR_CORES = (7, 0)  # compute capability: Volta and later multiply fp16 matrices in hardware
FAST_FP16 = (6, 0)  # P100: twice as much fp16 as fp32, without tensor cores


@dataclass(frozen=True)
class Hardware:
    """The properties of a device that determine its number format.

    Args:
        kind: PyTorch's name of the kind of device: ``'cpu'``, ``'cuda'``, ``'mps'``.
        has_bf16: Whether it multiplies bf16 in hardware; else PyTorch emulates it, if at all.
        capability: A GPU's CUDA compute capability.
        limit: The environment variable that switches the CPU's bf16 instructions off.
    """

    kind: str
    has_bf16: bool = False
    capability: tuple[int, int] = (0, 0)
    limit: str = ''


@dataclass(frozen=True)
class Choice:
    """The number formats chosen for a device.

    Args:
        training: ``'fp32'``, ``'bf16'`` or ``'fp16'``, of autocast.
        inference: The same, of the network.
        emulates_bf16: Whether bf16 works and is slow.
        reason: Why, in one clause.
    """

    training: str
    inference: str
    emulates_bf16: bool
    reason: str

    @property
    def scales_loss(self) -> bool:
        """Whether training needs it: fp16 has too few exponents for small gradients."""
        return self.training == 'fp16'


def choose(hardware: Hardware) -> Choice:
    """Choose the number formats for a device; a pure function.

    The rules for GPUs, including T4 and P100, follow their documentation and were never run.
    """
    if hardware.kind == 'cpu':
        return _choose_on_cpu(hardware)
    if hardware.kind == 'cuda':
        return _choose_on_cuda(hardware)
    reason = f'lower precision than fp32 was never tried on {hardware.kind}'
    return Choice('fp32', 'fp32', False, reason)


def probe(device: torch.device | str) -> Hardware:
    """The properties of a device of this machine."""
    device = torch.device(device)
    if device.type == 'cpu':
        can = any(_cpu_capabilities().get(name) for name in CPU_BF16)
        has_bf16 = can and torch.backends.mkldnn.is_available()  # only oneDNN uses it
        is_allowed = allows_bf16()
        limit = '' if is_allowed or not has_bf16 else instruction_limit()
        return Hardware('cpu', has_bf16 and is_allowed, limit=limit)
    if device.type == 'cuda':
        with torch.cuda.device(device):
            has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return Hardware('cuda', has_bf16, torch.cuda.get_device_capability(device))
    return Hardware(device.type)


def choice_for(device: torch.device | str) -> Choice:
    """Choose the number formats for a device of this machine."""
    return choose(probe(device))


def has_vnni() -> bool:
    """Whether this CPU has int8 instructions, which exported int8 files use."""
    return any(_cpu_capabilities().get(name) for name in CPU_VNNI)


def emulation_warning(device: torch.device | str, *, training: bool = False) -> str:
    """A warning about bf16 on a device that emulates it; empty on others."""
    choice = choice_for(device)
    if not choice.emulates_bf16:
        return ''
    on_cpu = torch.device(device).type == 'cpu'
    cost = 'takes 2.3 times as long as' if on_cpu else 'is slower than'
    best = choice.training if training else choice.inference
    more = ', without AVX512 7 times' if on_cpu else ''  # see docs/speed.md
    return f'{choice.reason}: emulated bf16 {cost} {best}{more}'


def _choose_on_cpu(hardware: Hardware) -> Choice:
    if hardware.has_bf16:
        return Choice('bf16', 'bf16', False, 'this CPU multiplies bf16 in hardware')
    reason = 'this CPU has no bf16 instructions (AVX512_BF16, AMX) that PyTorch uses'
    if hardware.limit:
        reason = f"{hardware.limit} switches this CPU's bf16 instructions off"
    return Choice('fp32', 'fp32', True, reason)


def _choose_on_cuda(hardware: Hardware) -> Choice:
    if hardware.has_bf16:
        reason = 'this GPU multiplies both in hardware; bf16 trains without loss scaling'
        return Choice('bf16', 'fp16', False, reason)
    if hardware.capability >= TENSOR_CORES:
        reason = 'this GPU multiplies fp16 in hardware and emulates bf16'
        return Choice('fp16', 'fp16', True, reason)
    reason = 'this GPU has no tensor cores'
    if hardware.capability == FAST_FP16:
        return Choice('fp32', 'fp16', True, f'{reason}, but computes fp16 twice as fast as fp32')
    return Choice('fp32', 'fp32', True, f'{reason}: half precision is hardly faster')


def _cpu_capabilities() -> dict:
    """The CPU's capabilities by PyTorch's names; empty if PyTorch is too old."""
    return getattr(torch.cpu, 'get_capabilities', dict)()

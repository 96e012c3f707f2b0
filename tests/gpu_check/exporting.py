"""Exported files run on the device and give PyTorch's keypoints."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

from hrnet_ext.export.check import Reference, Tolerance
from hrnet_ext.export.real_crops import random_crops
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.tf32 import exact_float32
from tests.export_cases import export, small_config
from tests.gpu_check.items import Check, Figures, Group, Skipped

GROUP = Group()
# Format, backend, and its name of the device on CUDA and on a CPU.
WAYS = {
    'torchscript': ('torchscript', 'cuda', 'cpu'),
    'torch-export': ('torch-export', 'cuda', 'cpu'),
    'onnx': ('onnxruntime', 'CUDAExecutionProvider', ''),
}
ALLOWED = Tolerance(5e-6, 1e-2)


def _enter(name: str) -> None:
    @GROUP.item(f'exported as {name}, run on the device: keypoints of PyTorch')
    def exported(check: Check) -> Figures:
        backend, on_cuda, on_cpu = WAYS[name]
        device = on_cuda if check.is_cuda else on_cpu
        if backend == 'onnxruntime':
            _need_onnxruntime(device)
        with tempfile.TemporaryDirectory() as folder, exact_float32():
            path, model, metadata = export(small_config(), Path(folder), name)
            session = PoseSession(path, backend, device=device)
            crops = random_crops(metadata, 7)
            parts = [session.estimate(part) for part in np.split(crops, [1, 3])]
            keypoints, scores = (np.concatenate(found) for found in zip(*parts))
            found = Reference.of(model, metadata, crops).compare(keypoints, scores, ALLOWED)
        assert found.is_equal, str(found)
        return {'px': float(found.distances.max()), 'ties aside': found.ties}


for _name in WAYS:
    _enter(_name)


def _need_onnxruntime(device: str) -> None:
    try:
        import onnxruntime
    except ImportError:
        raise Skipped('onnxruntime is not installed') from None
    if device and device not in onnxruntime.get_available_providers():
        raise Skipped(f'onnxruntime {onnxruntime.__version__} has no {device}')


@GROUP.item('a model on the device is exported as well as one on the CPU')
def from_the_device(check: Check) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        cfg = small_config()
        path, _, metadata = export(cfg, Path(folder), 'torchscript')
        crops = torch.from_numpy(random_crops(metadata, 2))
        found = torch.jit.load(str(path), map_location=check.device)(crops.to(check.device))
        wanted = torch.jit.load(str(path), map_location='cpu')(crops)
    far = float((found[1].cpu() - wanted[1]).abs().max() / wanted[1].abs().max())
    assert far < 1e-2, far
    return {'scores off by': far}

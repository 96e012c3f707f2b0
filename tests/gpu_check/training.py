"""Two training steps in every number format, which wait for nothing; resuming across devices."""

from __future__ import annotations

import io
from typing import Any

import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from benchmarks.models import Models
from benchmarks.training import our_batch, take_step
from tests.gpu_check.items import Check, Figures, Group, Skipped
from tests.gpu_check.networks import demand, models_of

GROUP = Group()
FUSED = {'type': 'Adam', 'lr': 1e-4}
PLAIN = {'type': 'hrnet_ext.OptimWrapper', 'optimizer': FUSED}
BATCH = 4


def _half(dtype: str) -> dict[str, Any]:
    return {'type': 'hrnet_ext.AmpOptimWrapper', 'dtype': dtype, 'optimizer': FUSED}


# Settings of the optimizer wrapper and of the model, and how far the losses may be from fp32's.
FORMATS: dict[str, tuple[dict, dict, float]] = {
    'fp32': (PLAIN, {}, 1e-2),
    'fp32, channels-last': (PLAIN, {'channels_last': True}, 1e-2),
    'fp32, with_cp': (PLAIN, {'with_cp': True}, 1e-2),
    'fp16, scaled': (_half('float16'), {'channels_last': True}, 0.05),
    'bf16': (_half('bfloat16'), {'channels_last': True}, 0.05),
    'auto': (_half('auto'), {'channels_last': True}, 0.05),
    'bf16, with_cp': (_half('bfloat16'), {'channels_last': True, 'with_cp': True}, 0.05),
}


def _model(pair: Models, *, with_cp: bool = False, **changes: Any) -> nn.Module:
    backbone = {**pair.cfg.model.backbone, 'with_cp': with_cp}
    return pair.ours(backbone=backbone, **changes).train()


def _enter(name: str) -> None:
    @GROUP.item(f'training in {name}: the losses of the CPU, and no waiting')
    def steps(check: Check) -> Figures:
        settings, changes, allowed = FORMATS[name]
        if not check.is_cuda and 'fp16' in name:
            raise Skipped('fp16 needs a GPU')
        wanted, _ = _trained(models_of(check, device='cpu'), None, steps=2)
        pair = models_of(check)
        model, batch = _model(pair, **changes), our_batch(pair, BATCH)
        wrapper = build_optim_wrapper(model, settings)
        found = [take_step(model, batch, wrapper).detach()]
        if check.is_cuda:
            torch.cuda.set_sync_debug_mode('error')
        try:
            found.append(take_step(model, batch, wrapper).detach())
        finally:
            if check.is_cuda:
                torch.cuda.set_sync_debug_mode('default')
        far = max(abs(a.item() - b) / b for a, b in zip(found, wanted, strict=True))
        return {'losses off by': demand(far, allowed)}


for _name in FORMATS:
    _enter(_name)


@GROUP.item('training: saved on the device, resumed on the CPU, and back')
def resumed(check: Check) -> Figures:
    there, here = models_of(check), models_of(check, device='cpu')
    far = 0.0
    for first, then in ((there, here), (here, there)):
        (_, wanted), _ = _trained(first, None, steps=2)
        file = io.BytesIO()
        torch.save(_trained(first, None, steps=1)[1], file)
        file.seek(0)
        state = torch.load(file, map_location='cpu', weights_only=True)
        (found,), _ = _trained(then, state, steps=1)
        far = max(far, abs(found - wanted) / wanted)
    return {'loss off by': demand(far, 1e-2)}


def _trained(pair: Models, state: dict | None, *, steps: int) -> tuple[list[float], dict]:
    """The losses of some steps in fp32, and what a checkpoint keeps."""
    model, batch = _model(pair), our_batch(pair, BATCH)
    wrapper = build_optim_wrapper(model, PLAIN)
    if state:
        model.load_state_dict(state['model'])
        wrapper.load_state_dict(state['optimizer'])
    losses = [take_step(model, batch, wrapper).item() for _ in range(steps)]
    return losses, {'model': model.state_dict(), 'optimizer': wrapper.state_dict()}

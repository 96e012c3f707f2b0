"""Every mode of ``hrnet_ext.optimize`` takes the backbone's place, and CUDA graphs are used."""

from __future__ import annotations

import torch
from torch import nn

from hrnet_ext.acceleration import optimize
from hrnet_ext.acceleration.engines import OptimizedNetwork
from hrnet_ext.acceleration.modes import MODES
from tests.gpu_check.items import Check, Figures, Group, Skipped
from tests.gpu_check.networks import demand, models_of, off_by

GROUP = Group()
ALLOWED = {'fp32': 1e-2, 'bf16': 0.3, 'fp16': 0.05}  # of random weights' heatmaps; fp32 is TF32
BATCHES = (1, 2, 3, 64)
SMALL = 'hrnet_synthetic'  # compiling takes a while, and this is about graphs, not about speed


def _enter(mode: str) -> None:
    @GROUP.item(f'optimize {mode}: replaces the backbone, heatmaps of the plain network')
    @torch.no_grad()
    def replaced(check: Check) -> Figures:
        if not check.is_cuda and mode == 'fp16':
            raise Skipped('fp16 needs a GPU')
        pair = models_of(check)
        plain, images = pair.ours(), pair.images(2)
        quick = _optimized(pair.ours(), mode)
        found, wanted = (model(images, None, mode='tensor') for model in (quick, plain))
        return {'off by': demand(off_by(found, wanted), ALLOWED[mode])}


for _mode in ALLOWED:
    _enter(_mode)


def _enter_compiled(mode: str) -> None:
    @GROUP.item(f'optimize {mode} at batches {BATCHES}: compiled, recorded as CUDA graphs')
    @torch.no_grad()
    def compiled(check: Check) -> Figures:
        if not check.is_cuda:
            raise Skipped('on a CPU HRNets are not compiled')
        from torch._dynamo.utils import counters

        counters.clear()
        pair = models_of(check, config=SMALL)
        plain, quick = pair.ours(), _optimized(pair.ours(), mode)
        far = 0.0
        with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
            for batch in (*BATCHES, *BATCHES, *BATCHES):  # graphs are recorded in the second call
                images = pair.images(batch)
                found, wanted = (m(images, None, mode='tensor') for m in (quick, plain))
                far = max(far, demand(off_by(found, wanted), ALLOWED[mode.partition('+')[0]]))
        skips = counters['inductor']['cudagraph_skips']
        assert not skips, f'{skips} graphs were not recorded'
        assert not counters['graph_break'], dict(counters['graph_break'])
        graphs = counters['stats']['unique_graphs']
        assert graphs == len(BATCHES), f'{graphs} graphs for {len(BATCHES)} batches'
        return {'off by': far, 'graphs': graphs}


for _mode in MODES:
    if _mode.startswith(('fp32+', 'fp16+')):
        _enter_compiled(_mode)


def _optimized(model: nn.Module, mode: str) -> nn.Module:
    model = optimize(model, mode)
    assert isinstance(model.backbone, OptimizedNetwork), 'the backbone runs as it is'
    return model

"""Half precision moves the keypoints of a trained network by less than a tenth of a pixel."""

import copy
import functools

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

from hrnet_ext.acceleration import optimize, trial
from hrnet_ext.models.heatmap_head import HeatmapHead
from tests.references import estimator_config, with_our_types

NUM, STEPS = 4, 50
CROP = (64, 64)  # (w, h)


@functools.cache
def trained() -> tuple[torch.nn.Module, torch.Tensor]:
    """An estimator that has learned a few crops by heart, and these crops."""
    torch.manual_seed(0)
    config = with_our_types(estimator_config(8))
    config['backbone'] = {'type': 'hrnet_ext.HRNet', 'width': 8}
    config['head']['decoder'].update(input_size=CROP, heatmap_size=(16, 16), unbiased=True)
    with DefaultScope.overwrite_default_scope('mmpose'):
        model = MODELS.build(config)
    model.init_weights()
    crops = torch.nn.functional.interpolate(torch.randn(NUM, 3, 8, 8), CROP[::-1], mode='bilinear')
    keypoints = torch.rand(NUM, 17, 2) * 48 + 8
    targets, _ = model.head.decoder.encode_batch(keypoints, torch.ones(NUM, 17))
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    model.train()
    for _ in range(STEPS):
        optimizer.zero_grad()
        (model(crops, None, mode='tensor') - targets).square().mean().backward()
        optimizer.step()
    return model.eval(), crops


@pytest.mark.slow
@pytest.mark.parametrize('trial_after', [1000, 1], ids=['PyTorch', 'the fastest engine'])
def test_bf16_moves_keypoints_by_less_than_a_tenth_of_an_input_pixel(monkeypatch, trial_after):
    monkeypatch.setattr(trial, 'TRIAL_AFTER', trial_after)
    plain, crops = trained()
    quick = optimize(copy.deepcopy(plain), 'bf16')
    assert isinstance(plain.head, HeatmapHead)
    with torch.no_grad():
        wanted, found = (
            model.head.decoder.decode_batch(model(crops, None, mode='tensor'))
            for model in (plain, quick)
        )
    distances = (found[0] - wanted[0]).norm(dim=-1).numpy()
    assert 0 < np.median(distances) < 0.1
    assert np.median(wanted[1]) > 0.3  # it has learned something: maxima are no noise
    np.testing.assert_allclose(found[1], wanted[1], atol=0.05)

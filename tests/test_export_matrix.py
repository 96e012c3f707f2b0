"""Full-size models, exported in every combination, give PyTorch's keypoints at every batch size.

HRNET_EXT_LARGE_BATCHES=1 adds batches of 64, for the larger models many minutes.
"""

from __future__ import annotations

import functools
import os

import numpy as np
import pytest

from hrnet_ext.engine.run_config import read_config
from hrnet_ext.export.check import TOLERANCES, Reference
from hrnet_ext.export.real_crops import random_crops, rendered_crops
from hrnet_ext.export.runtime import PoseSession
from tests.export_cases import build, export, with_onnxruntime, with_openvino

pytestmark = pytest.mark.exhaustive

BATCHES = (1, 2, 7, 64) if os.environ.get('HRNET_EXT_LARGE_BATCHES') == '1' else (1, 2, 7)
NUM_CROPS = 7  # different ones; larger batches repeat them
CONFIGS = {  # and DARK's blur, by the size of its Gaussians
    'hrnet_w32_coco': 11,
    'hrnet_w48_coco_384x288': 17,
    'hrnet_w32_mpii': 11,
    'hrnet_synthetic': 11,
}
BACKENDS = [  # and options of the session
    pytest.param('onnxruntime', {}, marks=with_onnxruntime, id='onnxruntime'),
    pytest.param('openvino', {}, marks=with_openvino, id='openvino'),
    pytest.param(
        'openvino',
        {'batch_size': 8, 'fixed_batch': True},
        marks=with_openvino,
        id='openvino, fixed batch',
    ),
]


@functools.lru_cache(maxsize=1)
def model_of(name: str):
    return build(read_config(name, []))


@pytest.mark.parametrize(('backend', 'options'), BACKENDS)
@pytest.mark.parametrize('unbiased', [False, True], ids=['quarter', 'DARK'])
@pytest.mark.parametrize('flip_test', [False, True], ids=['no flip', 'flip'])
@pytest.mark.parametrize('name', CONFIGS)
def test_keypoints_are_pytorchs(tmp_path, name, flip_test, unbiased, backend, options):
    cfg, model = read_config(name, []), model_of(name)
    codec = model.head.decoder
    codec.unbiased, codec.blur_kernel_size = unbiased, CONFIGS[name]
    path, _, metadata = export(cfg, tmp_path, model=model, flip_test=flip_test)
    assert metadata.decoding == ('dark' if unbiased else 'quarter')
    session = PoseSession(path, backend, **options)
    crops = np.concatenate([random_crops(metadata, 3), rendered_crops(metadata, NUM_CROPS - 3)])
    wanted = Reference.of(model, metadata, crops)
    for batch in BATCHES:
        chosen = np.arange(batch) % NUM_CROPS
        part = Reference(
            *(each[chosen] for each in (wanted.keypoints, wanted.scores, wanted.heatmaps)),
            model.head,
        )
        found = part.compare(*session.estimate(crops[chosen]), TOLERANCES['fp32'])
        print(
            f'{name}, {flip_test}, {unbiased}, {backend} {options}, batch {batch}: {found}'
        )  # with -s
        assert found.is_equal, str(found)
        assert found.ties < 0.5 * batch * len(metadata.keypoints.names)  # random heatmaps are flat

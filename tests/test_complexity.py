"""Parameters and multiply-adds are those of the papers."""

import pytest
import torch
from torch import nn

from hrnet_ext.engine.run_config import read_config
from hrnet_ext.inference.complexity import PAPER_GFLOP, Complexity, measure, measure_config, part_of


@pytest.mark.parametrize(
    ('config', 'parameters', 'gflops'),  # Sun et al., CVPR 2019, table 1
    [
        ('hrnet_w32_coco', 28.5, 7.1),
        ('hrnet_w48_coco', 63.6, 14.6),
        ('hrnet_w32_coco_384x288', 28.5, 16.0),
        ('hrnet_w48_coco_384x288', 63.6, 32.9),
    ],
)
def test_totals_are_the_papers(config, parameters, gflops):
    total = sum(measure_config(read_config(config, [])).values(), Complexity())
    assert round(total.parameters / 1e6, 1) == parameters
    assert round(total.multiply_adds / PAPER_GFLOP, 1) == gflops


def test_parts_follow_the_network_and_leave_nothing_out():
    parts = measure_config(read_config('hrnet_w32_coco', []))
    assert list(parts) == [
        'stem', 'stage 1', 'transition 1', 'stage 2 branches', 'stage 2 exchange',
        'transition 2', 'stage 3 branches', 'stage 3 exchange',
        'transition 3', 'stage 4 branches', 'stage 4 exchange', 'head',
    ]  # fmt: skip
    # 3x3 from 3 to 64 at stride 2, 64 to 64 at stride 4; two norms
    stem = Complexity(
        9 * 3 * 64 + 9 * 64 * 64 + 4 * 64,
        9 * 3 * 64 * 128 * 96 + 9 * 64 * 64 * 64 * 48,
    )
    assert parts['stem'] == stem
    assert parts['head'] == Complexity(17 * 33, 17 * 32 * 64 * 48)


def test_shape_is_height_then_width():
    config = read_config('hrnet_synthetic', [])
    assert config.codec.input_size == (96, 128)
    assert measure_config(config, (128, 96)) == measure_config(config)
    low = measure_config(config, (64, 96))
    assert 2 * low['stem'].multiply_adds == measure_config(config)['stem'].multiply_adds


def test_without_a_codec_the_shape_must_be_given():
    config = read_config('hrnet_w32_coco', [])
    config.codec = {}
    with pytest.raises(ValueError, match='--shape HEIGHT WIDTH'):
        measure_config(config)


@pytest.mark.parametrize(
    ('layer', 'inputs', 'multiply_adds'),
    [
        (nn.Conv2d(4, 6, 3, padding=1, groups=2), (1, 4, 5, 7), 9 * 2 * 6 * 5 * 7),
        (nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1), (1, 4, 5, 7), 16 * 4 * 6 * 5 * 7),
        (nn.Linear(4, 6), (3, 4), 3 * 4 * 6),
        (nn.BatchNorm2d(4), (1, 4, 5, 7), 0),
    ],
)
def test_single_layers_by_hand(layer, inputs, multiply_adds):
    network = nn.Sequential(layer).to('meta').eval()
    (cost,) = measure(network, lambda: network(torch.empty(inputs, device='meta'))).values()
    assert cost.multiply_adds == multiply_adds
    assert cost.parameters == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ('name', 'part'),
    [
        ('backbone.conv1', 'stem'),
        ('backbone.bn2', 'stem'),
        ('backbone.layer1.0.conv2', 'stage 1'),
        ('backbone.transition2.2.0.0', 'transition 2'),
        ('backbone.stage3.1.branches.2.0.conv1', 'stage 3 branches'),
        ('backbone.stage3.1.fuse_layers.0.1.0', 'stage 3 exchange'),
        ('backbone.patch_embed', 'backbone'),
        ('neck.convs.0', 'neck'),
        ('head.final_layer', 'head'),
    ],
)
def test_modules_belong_to_parts(name, part):
    assert part_of(name) == part

"""The whole family of HRNets: published sizes, released names, loaded by name, and back."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import torch

from hrnet_ext.checkpoints import convert, to_official
from hrnet_ext.engine.run_config import read_config
from hrnet_ext.inference.complexity import PAPER_GFLOP, Complexity, measure, measure_config
from hrnet_ext.models import HRNet, HRNetV2
from hrnet_ext.models.weights.names import CLASSIFIER, OTHER_TASK
from tests.official_networks import FAMILY, Classifier, FaceNetwork, PoseNetwork, Segmenter

MIXING = Path(__file__).parents[1] / 'docs' / 'mixing.md'

# network, variant, height, width -> million parameters, multiply-adds / 2**30, as published
PUBLISHED = {
    # the table of HRNet-Image-Classification
    (Classifier, 'w18_small_v1', 224, 224): (13.2, 1.49),
    (Classifier, 'w18_small_v2', 224, 224): (15.6, 2.42),
    (Classifier, 'w18', 224, 224): (21.3, 3.99),
    (Classifier, 'w30', 224, 224): (37.7, 7.55),
    (Classifier, 'w32', 224, 224): (41.2, 8.31),
    (Classifier, 'w40', 224, 224): (57.6, 11.8),
    (Classifier, 'w44', 224, 224): (67.1, 13.9),
    (Classifier, 'w48', 224, 224): (77.5, 16.1),
    (Classifier, 'w64', 224, 224): (128.1, 26.9),
    # the tables of HRNet-Semantic-Segmentation, Cityscapes
    (Segmenter, 'w18_small_v1', 1024, 2048): (1.5, 31.1),
    (Segmenter, 'w18_small_v2', 1024, 2048): (3.9, 71.6),
    (Segmenter, 'w48', 1024, 2048): (65.8, 696.2),
    # Sun et al., CVPR 2019, table 1
    (PoseNetwork, 'w32', 256, 192): (28.5, 7.10),
    (PoseNetwork, 'w48', 256, 192): (63.6, 14.6),
}

# network, variant -> tensors, digest of their names and shapes in the official code's own network
RELEASED = {
    (Classifier, 'w18_small_v1'): (552, '2340fc5894087dd7'),
    (Classifier, 'w18_small_v2'): (990, '4312309fa6744a6d'),
    (Classifier, 'w18'): (1956, '68e8bd5e539c4255'),
    (Classifier, 'w30'): (1956, 'd7ccf9e02d0a1ae5'),
    (Classifier, 'w32'): (1956, 'c98d5f5fa838c9df'),
    (Classifier, 'w40'): (1956, '6987985190b6da98'),
    (Classifier, 'w44'): (1956, 'c9fec95b85a978ee'),
    (Classifier, 'w48'): (1956, '4421386ed30e58b2'),
    (Classifier, 'w64'): (1956, 'afe06553dff84c0d'),
    (Segmenter, 'w18_small_v1'): (435, '6fe07e82562a7f06'),
    (Segmenter, 'w18_small_v2'): (873, 'df34ba51f1ba0769'),
    (Segmenter, 'w48'): (1839, '0634ab0f6d6376ea'),
    (FaceNetwork, 'w18'): (1839, '73f9cce26a749fc6'),
    (PoseNetwork, 'w32'): (1754, '8505fc641661bbf0'),
}
IGNORED = {
    Classifier: {CLASSIFIER},
    Segmenter: {OTHER_TASK},
    FaceNetwork: set(),
    PoseNetwork: set(),
}


def on_meta(network, *arguments, **options):
    """Shapes without numbers."""
    with torch.device('meta'):
        return network(*arguments, **options)


def name_of(row):
    network, variant, *_ = row
    return f'{network.__name__}-{variant}'


@pytest.mark.parametrize('row', PUBLISHED, ids=name_of)
def test_parameters_and_multiply_adds_are_the_published_ones(row):
    make, variant, height, width = row
    network = on_meta(make, variant).eval()
    images = torch.empty(1, 3, height, width, device='meta')
    with torch.no_grad():
        total = sum(measure(network, lambda: network(images)).values(), Complexity())
    parameters, gflops = PUBLISHED[row]
    assert total.parameters / 1e6 == pytest.approx(parameters, abs=0.1)
    assert total.multiply_adds / PAPER_GFLOP == pytest.approx(gflops, rel=0.01)


@pytest.mark.parametrize('row', RELEASED, ids=name_of)
def test_names_shapes_and_order_are_the_releases(row):
    state_dict = on_meta(row[0], row[1]).state_dict()
    listing = '\n'.join(f'{name} {tuple(value.shape)}' for name, value in state_dict.items())
    digest = hashlib.sha256(listing.encode()).hexdigest()[:16]
    assert (len(state_dict), digest) == RELEASED[row]


@pytest.mark.parametrize('row', RELEASED, ids=name_of)
def test_released_files_load_by_name_and_go_back(row):
    make, variant = row
    released = on_meta(make, variant).state_dict()
    converted, report = convert({f'module.{name}': value for name, value in released.items()})
    assert report.backbone_fraction == 1
    assert report.unexpected == report.missing == []
    assert not report.mismatched
    assert set(report.ignored.values()) == IGNORED[make]
    assert len(report.matched) + len(report.ignored) == len(released)
    back = to_official(converted)
    assert all(back[name] is released[name] for name in back)
    assert len(back) == len(report.matched)


@pytest.mark.parametrize('backbone', [HRNet, HRNetV2])
def test_a_pose_and_a_detection_backbone_start_from_a_classifier(backbone):
    source = Classifier('w18_small_v1')
    target = backbone(**FAMILY['w18_small_v1'])
    target.load_state_dict(source.state_dict(), strict=True)  # it would raise for a left-over
    wanted = source.state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in target.state_dict().items())


@pytest.mark.parametrize('variant', FAMILY)
def test_the_pose_config_is_that_network(variant):
    config = read_config(f'hrnet_{variant}_coco', [])
    arguments = {key: value for key, value in config.model.backbone.items() if key != 'init_cfg'}
    assert json.loads(json.dumps(arguments)) == json.loads(
        json.dumps({'type': 'hrnet_ext.HRNet', **FAMILY[variant]})
    )


def documented_rows():
    """The rows of the family's table: config -> (parameters / 1e6, multiply-adds / 2**30)."""
    pattern = r'^\| `(hrnet_\w+_coco)` \| ([\d.]+) \| ([\d.]+) \|'
    rows = re.findall(pattern, MIXING.read_text(), re.MULTILINE)
    return {name: (float(parameters), float(gflops)) for name, parameters, gflops in rows}


def test_the_documented_table_is_what_get_flops_prints():
    rows = documented_rows()
    assert list(rows) == [f'hrnet_{variant}_coco' for variant in FAMILY]
    for name in ('hrnet_w18_small_v1_coco', 'hrnet_w18_small_v2_coco', 'hrnet_w18_coco'):
        total = sum(measure_config(read_config(name, [])).values(), Complexity())
        measured = (total.parameters / 1e6, total.multiply_adds / PAPER_GFLOP)
        assert tuple(round(value, 2) for value in measured) == rows[name]

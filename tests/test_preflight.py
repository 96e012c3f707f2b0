"""Whatever does not fit together is named, in one error, before the first step."""

import json

import numpy as np
import pytest
import torch

from hrnet_ext.datasets.body.coco_keypoints import coco_metainfo
from hrnet_ext.engine import agreement
from tests.tiny_coco import write_coco
from tests.tiny_run import make_config, start


@pytest.fixture
def config(tmp_path):
    write_coco(tmp_path / 'data')
    return make_config(tmp_path)


def test_what_fits_together_runs_to_the_end(config, tmp_path):
    start(config)
    assert list((tmp_path / 'work').glob('best_coco_AP_epoch_1.pth'))


MISTAKES = {  # key: (mistaken value, what the error must name)
    'model.head.out_channels': (16, r'out_channels is 16, but train_dataloader.*17 keypoints'),
    'model.head.in_channels': (9, r'in_channels is 9, but model.backbone gives 8 channels'),
    'model.head.decoder.sigma': (2, r'GenerateTarget of train_dataloader.* encodes with sigma=1.5'),
    'model.head.decoder.unbiased': (True, r'encodes with unbiased=False.*has unbiased=True'),
    'model.head.decoder.input_size': (
        (96, 128),
        r'TopdownAffine of train_dataloader.* crops to \(64, 96\) .*expects \(96, 128\)',
    ),
    'model.head.decoder.heatmap_size': (
        (32, 48),
        r'heatmap_size is \(32, 48\), but the network makes heatmaps of \(16, 24\)',
    ),
    'default_hooks.checkpoint.save_best': (
        'coco/Total AP',
        r'save_best is `coco/Total AP`.*it gives coco/AP, coco/AP .5',
    ),
}


@pytest.mark.parametrize('key', MISTAKES)
def test_a_mistake_is_named_before_the_first_step(config, tmp_path, key):
    value, expected = MISTAKES[key]
    config.merge_from_dict({key: value})
    with pytest.raises(ValueError, match=expected):
        start(config)
    assert not list((tmp_path / 'work').glob('*.pth'))


def test_several_mistakes_come_in_one_error(config):
    config.merge_from_dict({'model.head.out_channels': 16, 'model.head.in_channels': 9})
    with pytest.raises(ValueError, match='cannot run') as caught:
        start(config)
    problems = str(caught.value).splitlines()[1:]
    assert len(problems) == 3  # out_channels in both loaders, in_channels once


def test_testing_is_checked_too(config):
    config.model.head.out_channels = 16
    with pytest.raises(ValueError, match=r'but test_dataloader.dataset has 17 keypoints'):
        start(config, 'test')


def test_a_first_picture_that_is_none_is_named(config, tmp_path):
    (tmp_path / 'data' / 'images' / '000001.png').write_text('no picture')
    with pytest.raises(ValueError, match=r'000001.png. is not an image'):
        start(config)


@pytest.mark.parametrize('loader', ['hrnet_ext.LoadImage', 'LoadImage'])
def test_an_image_of_another_size_than_annotated_is_named_whoever_loads_it(
    config, tmp_path, loader
):
    path = tmp_path / 'data' / 'people.json'
    content = json.loads(path.read_text())
    content['images'][1].update(width=192, height=192)
    path.write_text(json.dumps(content))
    config.train_dataloader.dataset.pipeline[0].type = loader
    with pytest.raises(ValueError, match=r'train_dataloader.*2.png. is 96 x 96 .* says 192 x 192'):
        start(config)


def test_mmposes_data_set_that_crops_reduced_pictures_as_whole_ones_is_refused(config):
    dataset = config.train_dataloader.dataset
    dataset.type = 'CocoDataset'
    dataset.pipeline[0].reduce_for = (64, 96)
    with pytest.raises(ValueError, match=r"train_dataloader.*use type='hrnet_ext.TopdownAffine'"):
        start(config)


def test_a_missing_picture_is_named(config, tmp_path):
    (tmp_path / 'data' / 'images' / '000003.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 3 images are missing'):
        start(config)


def test_weight_decay_with_adam_is_warned_of(config, capsys):
    config.optim_wrapper.optimizer.weight_decay = 0.1
    start(config)
    assert 'Adam with weight_decay=0.1' in capsys.readouterr().out


def test_no_warning_where_decay_is_zero_or_decoupled():
    parameters = [torch.nn.Parameter(torch.zeros(1))]
    assert not agreement.weight_decay_warnings(torch.optim.Adam(parameters))
    assert not agreement.weight_decay_warnings(torch.optim.AdamW(parameters, weight_decay=0.1))


def metainfo(**swaps: str) -> dict:
    """COCO's metainfo as data sets hold it, after changing what keypoints mirror to."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    raw = coco_metainfo()
    for keypoint in raw['keypoint_info'].values():
        keypoint['swap'] = swaps.get(keypoint['name'], keypoint['swap'])
    return parse_pose_metainfo(raw)


def test_mirrors_of_coco_are_in_order():
    assert agreement.flip_problems(metainfo(), 'loader') == []


def test_a_keypoint_nobody_mirrors_to_is_found():
    problems = agreement.flip_problems(metainfo(left_eye='right_ear'), 'loader')
    assert len(problems) == 1
    assert 'do not name each of 17 keypoints once' in problems[0]


def test_mirrors_that_go_round_in_a_ring_are_found():
    ring = metainfo(left_eye='left_ear', left_ear='right_eye', right_eye='left_eye', right_ear='')
    assert any('left_eye mirrors to left_ear' in p for p in agreement.flip_problems(ring, 'loader'))


def test_the_check_leaves_random_numbers_and_the_model_alone(config, monkeypatch):
    from hrnet_ext.engine.preflight import PreflightHook

    states = []
    checked = PreflightHook.before_run

    def compare(self, runner):
        weights = {k: v.clone() for k, v in runner.model.state_dict().items()}
        before = torch.get_rng_state(), np.random.get_state()[1].copy(), runner.model.training
        checked(self, runner)
        after = torch.get_rng_state(), np.random.get_state()[1].copy(), runner.model.training
        states.append((before, after))
        assert all(torch.equal(v, weights[k]) for k, v in runner.model.state_dict().items())

    monkeypatch.setattr(PreflightHook, 'before_run', compare)
    start(config)
    ((torch_before, numpy_before, mode_before), (torch_after, numpy_after, mode_after)) = states[0]
    assert torch.equal(torch_before, torch_after)
    assert np.array_equal(numpy_before, numpy_after)
    assert mode_before == mode_after

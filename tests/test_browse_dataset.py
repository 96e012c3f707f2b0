"""Samples are drawn as the network sees them, from our configs and from MMPose's."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from hrnet_ext import config_path
from hrnet_ext.commands.browse_dataset import parse_args, run
from hrnet_ext.preparation.browse import browse_dataset
from hrnet_ext.synthetic import generate, make_spec


@pytest.fixture(scope='module')
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp('rendered') / 'data'
    generate(folder, make_spec('coco', num_train=6, num_val=2, size=96), num_workers=1)
    return folder


def of_mmpose(rendered) -> Config:
    import mmpose

    cfg = Config.fromfile(
        f'{mmpose.__path__[0]}/.mim/configs/body_2d_keypoint/topdown_heatmap/coco/'
        'td-hm_hrnet-w32_8xb64-210e_coco-256x192.py'
    )
    cfg.train_dataloader.dataset.data_root = f'{rendered}/'
    return cfg


def of_ours(rendered) -> Config:
    cfg = Config.fromfile(config_path('hrnet_synthetic'))
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = f'{rendered}/'
    return cfg


@pytest.mark.parametrize(('make', 'height'), [(of_ours, 384), (of_mmpose, 384)])
@pytest.mark.parametrize('with_targets', [False, True])
def test_samples_have_the_inputs_size_and_their_targets_beside(
    rendered, tmp_path, make, height, with_targets
):
    files = browse_dataset(
        make(rendered), 'train', str(tmp_path), num_samples=3, with_targets=with_targets
    )
    assert len(files) == 4
    drawn = cv2.imread(str(files[1]))
    assert drawn.shape[:2] == (height, height * 3 // 4 * (1 + with_targets))


def test_the_seed_decides_the_augmentation(rendered, tmp_path):
    def sample(seed: int, folder: str) -> np.ndarray:
        files = browse_dataset(
            of_ours(rendered), 'train', str(tmp_path / folder), num_samples=1, seed=seed
        )
        return cv2.imread(str(files[1]))

    np.testing.assert_array_equal(sample(1, 'a'), sample(1, 'b'))
    assert (sample(1, 'c') != sample(2, 'd')).any()


def test_the_command_and_its_errors(rendered, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = [
        f'{split}_dataloader.dataset.data_root={rendered}/' for split in ('train', 'val', 'test')
    ]
    arguments = ['hrnet_synthetic', '--split', 'val', '--num-samples', '2', '--cfg-options', *data]
    assert run(parse_args(arguments)) == (
        '2 samples in work_dirs/browse/hrnet_synthetic, all of them on '
        'work_dirs/browse/hrnet_synthetic/overview.png'
    )
    cfg = of_ours(rendered)
    cfg.train_dataloader.dataset.pipeline = cfg.train_dataloader.dataset.pipeline[:2]
    with pytest.raises(ValueError, match='gives no keypoints in input space; only top-down'):
        browse_dataset(cfg, 'train', 'out')
    cfg.pop('train_dataloader')
    with pytest.raises(ValueError, match='has no train_dataloader'):
        browse_dataset(cfg, 'train', 'out')

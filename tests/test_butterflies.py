"""The toy of five keypoints: drawn where it is annotated, and learnt by the shipped config."""

import json

import cv2
import numpy as np
import pytest

from hrnet_ext.synthetic.butterflies import (
    KEYPOINTS,
    SIDE,
    draw_butterfly,
    write_butterflies,
)


def butterfly(seed):
    return draw_butterfly(np.random.default_rng(seed))


def cross(a, b):
    """Positive where b is to the right of a, since y points down."""
    return a[0] * b[1] - a[1] * b[0]


@pytest.mark.parametrize('seed', range(20))
def test_keypoints_lie_on_the_butterfly_and_left_is_its_own(seed):
    _, keypoints, mask = butterfly(seed)
    assert (keypoints > 0).all()
    assert (keypoints < SIDE - 1).all()
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    for x, y in keypoints.round().astype(int):
        assert near[y, x]
    points = dict(zip(KEYPOINTS, keypoints))
    tail = (points['left_hind_wing'] + points['right_hind_wing']) / 2
    ahead = points['head'] - tail
    for wing in ('fore_wing', 'hind_wing'):
        assert cross(ahead, points[f'left_{wing}'] - tail) < 0
        assert cross(ahead, points[f'right_{wing}'] - tail) > 0


def test_the_files_are_cocos_and_equal_arguments_give_equal_ones(tmp_path):
    for name in 'ab':
        write_butterflies(tmp_path / name, num_train=3, num_val=2)
    files = sorted(path.relative_to(tmp_path / 'a') for path in (tmp_path / 'a').rglob('*.*'))
    assert len(files) == 7
    for file in files:
        assert (tmp_path / 'a' / file).read_bytes() == (tmp_path / 'b' / file).read_bytes()
    content = json.loads((tmp_path / 'a/annotations/val.json').read_text())
    assert [image['file_name'] for image in content['images']] == ['000004.jpg', '000005.jpg']
    for annotation in content['annotations']:
        x, y, w, h = annotation['bbox']
        points = np.reshape(annotation['keypoints'], (5, 3))
        assert (points[:, 2] == 2).all()
        assert (np.abs(points[:, :2] - (x + w / 2, y + h / 2)) <= (w / 2 + 1, h / 2 + 1)).all()
        assert 0 < annotation['area'] < w * h


def test_nothing_is_overwritten_unasked_and_numbers_are_checked(tmp_path):
    (tmp_path / 'out').mkdir()
    with pytest.raises(FileExistsError, match='--overwrite'):
        write_butterflies(tmp_path / 'out')
    with pytest.raises(ValueError, match='num_val must be at least 1, got 0'):
        write_butterflies(tmp_path / 'new', num_val=0)


@pytest.mark.exhaustive
def test_the_shipped_config_learns_them_to_ap_above_90_percent(tmp_path):
    """Minutes on one core."""
    from mmengine.runner import Runner

    from hrnet_ext.engine.run_config import read_config

    write_butterflies(tmp_path / 'data')
    config = read_config('hrnet_butterflies', [])
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.dataset.data_root = str(tmp_path / 'data')
    config.work_dir = str(tmp_path / 'run')
    runner = Runner.from_cfg(config)
    runner.train()
    assert runner.message_hub.get_scalar('val/coco/AP').current() > 0.9

"""Images of one channel and of four: trained, tested, optimized, exported, drawn."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from hrnet_ext.apis import PoseInferencer
from hrnet_ext.checkpoints import save_checkpoint
from hrnet_ext.datasets.transforms import LoadImage
from hrnet_ext.export.check import compare
from hrnet_ext.export.exporter import write
from hrnet_ext.export.formats import FORMATS
from hrnet_ext.export.model import describe
from hrnet_ext.export.real_crops import random_crops
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.formats.images import with_channels
from hrnet_ext.models import PoseDataPreprocessor
from tests.export_cases import build, with_onnxruntime
from tests.tiny_coco import write_coco
from tests.tiny_run import SMALLEST, make_config, start

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / 'docs' / 'gray_images.md').read_text()
COLOR_TYPES = {1: 'grayscale', 4: 'unchanged'}
BOX = [4, 6, 40, 86]


@pytest.fixture(params=COLOR_TYPES, ids=['gray', 'four channels'])
def config(request, tmp_path):
    """A run on images of that many channels, which begins and ends well."""
    write_coco(tmp_path / 'data')
    for path in (tmp_path / 'data' / 'images').iterdir():
        image = cv2.imread(str(path))
        images = {1: image[..., 0], 4: np.dstack([image, 255 - image[..., 0]])}
        cv2.imwrite(str(path), images[request.param])
    cfg = make_config(tmp_path)
    cfg.model.backbone.in_channels = request.param
    preprocessor = {
        'type': 'hrnet_ext.PoseDataPreprocessor',
        'mean': [100.0, 110.0, 120.0, 130.0][: request.param],
        'std': [57.0] * request.param,
        'bgr_to_rgb': True,
    }
    cfg.model.data_preprocessor = preprocessor
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.dataset.pipeline[0].color_type = COLOR_TYPES[request.param]
    cfg.default_hooks.visualization = {
        'type': 'hrnet_ext.PoseVisualizationHook',
        'enable': True,
        'interval': 1,
        'out_dir': 'drawn',
    }
    cfg.data_mode = 'topdown'
    cfg.visualizer = {'type': 'PoseLocalVisualizer', 'name': 'visualizer'}
    return cfg


def test_it_is_trained_tested_optimized_and_drawn(config, tmp_path):
    start(config)
    assert list((tmp_path / 'work').rglob('drawn/**/*.png'))
    config.custom_hooks = [{'type': 'hrnet_ext.OptimizeHook', 'mode': 'fp32'}]
    start(config, 'test')


@pytest.mark.parametrize(
    ('key', 'value', 'told'),
    [
        ('model.backbone.in_channels', 3, r'images of \d channels, but model.backbone takes 3'),
        ('model.data_preprocessor.mean', [0.0] * 3, r'data_preprocessor.mean has 3 values, but'),
    ],
)
def test_channels_that_do_not_agree_are_told(config, key, value, told):
    config.merge_from_dict({key: value, 'model.data_preprocessor.std': [1.0] * 3})
    with pytest.raises(ValueError, match=told):
        start(config)


@pytest.mark.parametrize(
    ('normalizes', 'name', 'backend'),
    [
        (True, 'torchscript', 'torchscript'),
        pytest.param(False, 'onnx', 'onnxruntime', marks=with_onnxruntime),
    ],
)
def test_an_exported_file_computes_what_the_model_does(config, tmp_path, normalizes, name, backend):
    model = build(config)
    num_channels = config.model.backbone.in_channels
    metadata = describe(config, model, normalizes=normalizes, flip_test=True, precision='fp32')
    path = tmp_path / f'pose.{name}'
    write(model, metadata, FORMATS[name], path)
    session = PoseSession(path, backend)
    image = np.random.default_rng(0).integers(0, 255, (96, 96, num_channels), dtype=np.uint8)
    keypoints, scores = session(image, [BOX])
    inputs = LoadImage(color_type=COLOR_TYPES[num_channels])({'img': image.squeeze()})['img']
    assert inputs.ndim == (2 if num_channels == 1 else 3)
    crop = session.prepare(np.zeros((1, 96, 64, num_channels), np.uint8))
    assert crop.shape[1 if not normalizes else 3] == num_channels
    model.test_cfg = {'flip_test': True, 'shift_heatmap': False}
    assert compare(session, model, random_crops(metadata, 4)).is_equal
    assert keypoints.shape == (1, 17, 2)
    assert scores.shape == (1, 17)


def test_inferencer_and_session_take_gray_and_color_for_a_gray_model(config, tmp_path):
    if config.model.backbone.in_channels == 4:
        pytest.skip('frames are BGR')
    model = build(config)
    weights = tmp_path / 'w.pth'
    save_checkpoint({'state_dict': model.state_dict()}, weights)
    metadata = describe(config, model, normalizes=True, flip_test=False, precision='fp32')
    path = tmp_path / 'pose.torchscript'
    write(model, metadata, FORMATS['torchscript'], path)
    file = str(tmp_path / 'data' / 'images' / '000001.png')
    gray = cv2.imread(file, cv2.IMREAD_GRAYSCALE)
    found = [PoseSession(path, 'torchscript')(image, [BOX])[0] for image in (gray, bgr(gray))]
    for model in (config, str(path)):
        inferencer = PoseInferencer(
            model, str(weights), 'cpu', det_model='whole_image', optimize='off'
        )
        for image in (file, gray, bgr(gray)):
            out = str(tmp_path / 'out')
            (result,) = inferencer(image, bboxes=[BOX], out_dir=out)
            found.append(np.array([result['predictions'][0][0]['keypoints']]))
            assert cv2.imread(next(Path(out).rglob('*.png')), cv2.IMREAD_UNCHANGED).ndim == 3
    for each in found:
        np.testing.assert_allclose(each, found[0], atol=1e-3)


def test_a_model_of_four_channels_is_refused_where_frames_have_three(config):
    if config.model.backbone.in_channels == 1:
        pytest.skip('frames are made gray')
    with pytest.raises(ValueError, match=r'of 4 channels, but frames are BGR.*PoseSession'):
        PoseInferencer(config, 'random', 'cpu', det_model='whole_image')


def bgr(gray):
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)


def test_gray_images_shown_as_color_come_back_as_they_were():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for image in (gray, gray[..., None], bgr(gray), np.dstack([bgr(gray), gray])):
        np.testing.assert_array_equal(with_channels(image, 1), gray)
    with pytest.raises(ValueError, match=r'has 3 channels, but this model needs 4'):
        with_channels(bgr(gray), 4)


def test_a_fourth_channel_keeps_its_place():
    preprocessor = PoseDataPreprocessor(
        mean=[1.0, 2.0, 3.0, 4.0], std=[1.0, 1.0, 1.0, 2.0], bgr_to_rgb=True
    )
    pixels = torch.tensor([10, 20, 30, 40], dtype=torch.uint8).view(4, 1, 1).expand(4, 2, 2)
    made = preprocessor({'inputs': [pixels], 'data_samples': []})['inputs']
    assert made[0, :, 0, 0].tolist() == [29, 18, 7, 18]


def test_the_config_of_the_page_trains_a_step_with_its_hooks(tmp_path):
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    (block,) = re.findall(r'```python\n(# hrnet_w32_coco_gray.*?)```', PAGE, re.DOTALL)
    (tmp_path / 'configs' / 'gray.py').write_text(block)
    cfg = Config.fromfile(tmp_path / 'configs' / 'gray.py')
    write_coco(tmp_path / 'data')
    cfg.model.backbone.update(SMALLEST, init_cfg=None)
    cfg.model.head.in_channels = SMALLEST['width']
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=6)
        paths = {'ann_file': 'people.json', 'data_prefix': {'img': 'images/'}, 'bbox_file': None}
        loader.dataset.update(data_root=str(tmp_path / 'data'), **paths)
    cfg.train_cfg.max_epochs = 1
    cfg.work_dir = str(tmp_path / 'work')
    assert start(cfg).iter == 1

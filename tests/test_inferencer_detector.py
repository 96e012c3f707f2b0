"""People found by a real MMDetection detector, in our inferencer and in MMPose's."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.apis import MMPoseInferencer

from hrnet_ext.apis import PoseInferencer
from hrnet_ext.inference import detector
from hrnet_ext.inference.detector import PersonDetector, read_detector_config
from tests.inference_cases import (
    picture,
    pose_config,
    read_video,
    write_pictures,
    write_video,
    write_weights,
)

RTMDET = 'rtmdet_tiny_8xb32-300e_coco'
SIDE = 160  # pixels, of the detector's input


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Configs and weights of a pose model and of a detector that finds something anywhere."""
    folder = tmp_path_factory.mktemp('models')
    write_weights(folder / 'pose.pth')
    pose_config().dump(folder / 'pose.py')
    config = read_detector_config(RTMDET)
    for step in config.test_dataloader.dataset.pipeline:
        for key in {'scale', 'size'} & set(step):
            step[key] = (SIDE, SIDE)
    config.model.test_cfg.max_per_img = 6
    config.dump(folder / 'detector.py')
    torch.manual_seed(0)
    model = PersonDetector(str(folder / 'detector.py')).model
    for scores, sides in zip(model.bbox_head.rtm_cls, model.bbox_head.rtm_reg):
        torch.nn.init.normal_(scores.weight, std=100)
        torch.nn.init.normal_(sides.weight, std=30)
        torch.nn.init.constant_(sides.bias, 3)
        scores.weight.data[1:], scores.bias.data[0], scores.bias.data[1:] = 0, -1, -9
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, folder / 'detector.pth')
    cats = {'classes': ('cat', 'dog')}
    meta = {'dataset_meta': cats}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, folder / 'cats.pth')
    config.test_dataloader.dataset.metainfo = cats
    config.dump(folder / 'cats.py')
    return folder


def make(folder: Path, **options) -> PoseInferencer:
    options = {
        'det_model': str(folder / 'detector.py'),
        'det_weights': str(folder / 'detector.pth'),
        **options,
    }
    return PoseInferencer(str(folder / 'pose.py'), str(folder / 'pose.pth'), 'cpu', **options)


@pytest.fixture(scope='module')
def mmpose_inferencer(folder) -> MMPoseInferencer:
    """MMPose's own, with our config."""
    return MMPoseInferencer(
        str(folder / 'pose.py'),
        str(folder / 'pose.pth'),
        device='cpu',
        det_model=str(folder / 'detector.py'),
        det_weights=str(folder / 'detector.pth'),
        det_cat_ids=0,
    )


def test_mmpose_s_own_inferencer_runs_our_configs_and_draws(mmpose_inferencer, tmp_path):
    video = write_video(tmp_path / 'clip.mp4', 3)
    options = {'out_dir': str(tmp_path / 'out'), 'return_vis': True, 'draw_bbox': True}
    results = list(mmpose_inferencer(video, kpt_thr=0, **options))
    assert all(result['predictions'][0] for result in results)
    assert all((result['visualization'][0] != picture()).any() for result in results)
    assert len(json.loads((tmp_path / 'out/predictions/clip.json').read_text())) == 3
    assert len(read_video(tmp_path / 'out/visualizations/clip.mp4')[0]) == 3


def test_the_same_people_are_found_as_by_mmpose(folder, mmpose_inferencer, tmp_path):
    paths = write_pictures(tmp_path, 3)
    inferencer = make(folder, optimize=False)
    calls = []
    inferencer.detector.model.backbone.register_forward_pre_hook(
        lambda _, inputs: calls.append(len(inputs[0]))
    )
    found = list(inferencer(paths, batch_size=2))
    assert calls == [2, 1]
    for result, wanted in zip(found, mmpose_inferencer(paths), strict=True):
        people, expected = result['predictions'][0], wanted['predictions'][0]
        assert len(people) == len(expected) > 1
        for one, other in zip(people, expected):
            np.testing.assert_allclose(one['bbox'], other['bbox'], atol=1e-2)
            np.testing.assert_allclose(one['keypoint_scores'], other['keypoint_scores'], atol=1e-2)


def test_given_boxes_leave_the_detector_alone(folder, monkeypatch):
    inferencer = make(folder)
    monkeypatch.setattr(inferencer.detector, 'detect', pytest.fail)
    (result,) = inferencer(picture(), bboxes=[[1, 1, 90, 90]])
    assert len(result['predictions'][0]) == 1


def test_a_detector_that_knows_no_people_is_refused_unless_labels_are_given(folder):
    cats = str(folder / 'cats.pth')
    with pytest.raises(ValueError, match=r'no class `person` among its 2 \(cat, dog\)'):
        make(folder, det_weights=cats)
    with pytest.raises(ValueError, match=r'no class `person` among its 2 \(cat, dog\)'):
        make(folder, det_model=str(folder / 'cats.py'))
    assert make(folder, det_weights=cats, det_cat_ids=1).detector.labels == [1]
    assert make(folder, det_weights=cats, det_cat_ids=(0, 1)).detector.labels == [0, 1]
    with pytest.raises(ValueError, match=r'labels \(2,\): the detector has the labels 0 to 1'):
        make(folder, det_weights=cats, det_cat_ids=2)
    with pytest.raises(FileNotFoundError, match='detector config not found: rtmdet_mini'):
        make(folder, det_model='rtmdet_mini')


def test_the_default_detector_is_fetched_when_it_is_needed_and_not_before(folder, monkeypatch):
    def offline(*_, **__):
        raise OSError('no network')

    monkeypatch.setattr(detector, 'PersonDetector', offline)
    inferencer = make(folder, det_model=None, det_weights=None)
    assert len(list(inferencer(picture(), bboxes=[]))) == 1
    with pytest.raises(
        OSError, match=r'the default detector rtmdet_m_640.* cannot be used: no network.*--bboxes'
    ):
        inferencer(picture())


def test_models_of_the_zoo_bring_their_weights(monkeypatch):
    made = []
    monkeypatch.setattr(
        detector, 'PersonDetector', lambda *args, **options: made.append((args, options))
    )
    detector.make_detector('rtmdet-t', device='cpu')
    detector.make_detector(RTMDET, 'mine.pth', 0, device='cpu')
    (config, url), _ = made[0]
    assert isinstance(config, Config)
    assert Path(config.filename).stem == RTMDET
    assert url.startswith('https://')
    assert made[1] == (
        (RTMDET, 'mine.pth'),
        {'device': 'cpu', 'score_thr': 0.0, 'labels': (0,)},
    )


@pytest.mark.slow
def test_faster_rcnn_finds_people_for_both_inferencers(tmp_path, folder):
    config = read_detector_config('faster-rcnn_r50_fpn_1x_coco')
    config.model.backbone.init_cfg = None
    (resize,) = (s for s in config.test_dataloader.dataset.pipeline if s.type == 'Resize')
    resize.scale = (320, 240)  # 1333x800 takes ten times as long
    config.dump(tmp_path / 'faster.py')
    detector = PersonDetector(str(tmp_path / 'faster.py'))
    torch.nn.init.constant_(detector.model.roi_head.bbox_head.fc_cls.bias.data[:1], 9)
    torch.save({'state_dict': detector.model.state_dict(), 'meta': {}}, tmp_path / 'faster.pth')
    models = {
        'det_model': str(tmp_path / 'faster.py'),
        'det_weights': str(tmp_path / 'faster.pth'),
        'det_cat_ids': 0,
    }
    (path,) = write_pictures(tmp_path, 1)
    (found,) = make(folder, optimize=False, **models)(path)
    pose = str(folder / 'pose.py'), str(folder / 'pose.pth')
    (wanted,) = MMPoseInferencer(*pose, device='cpu', **models)(path)
    assert len(found['predictions'][0]) == len(wanted['predictions'][0]) > 0
    assert cv2.imread(path) is not None

"""A new user's first commands: no weights are named, and those that were released are used."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.apis import MMPoseInferencer
from mmpose.apis.inferencers.utils import default_det_models

from hrnet_ext import config_path, released
from hrnet_ext.apis import PoseInferencer
from hrnet_ext.commands import demo, export, list_models, test, track
from hrnet_ext.inference.detector import PersonDetector
from hrnet_ext.models import TopdownPoseEstimator  # noqa: F401 - registers on import
from hrnet_ext.registry import MODELS

NAME = 'hrnet_w32_coco'
ROOT = Path(__file__).parents[1]


@pytest.fixture
def weights(file_server, monkeypatch) -> dict[str, torch.Tensor]:
    """Random weights of the right shapes, served under a name with their hash."""
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config_path(NAME)).model)
    state = model.state_dict()
    url = file_server.add(saved(state), 'td-hm_hrnet-w32_8xb64-210e_coco-256x192', '_20220909.pth')
    models = dict(released.released_models())
    models[NAME] = dataclasses.replace(models[NAME], url=url)
    monkeypatch.setattr(released, 'released_models', lambda: models)
    return state


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.jpg'
    image = np.random.default_rng(0).integers(0, 255, (120, 90, 3), dtype=np.uint8)
    cv2.imwrite(str(path), image)
    return str(path)


def saved(state: dict[str, torch.Tensor]) -> bytes:
    file = io.BytesIO()
    torch.save({'state_dict': state, 'meta': {}}, file)
    return file.getvalue()


def has(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> bool:
    found = model.state_dict()
    return all(torch.equal(found[key], value) for key, value in weights.items())


@pytest.mark.parametrize('model', ['name', 'path', 'config'])
def test_the_inferencer_uses_released_weights(weights, file_server, model):
    model = {'name': NAME, 'path': config_path(NAME), 'config': Config.fromfile(config_path(NAME))}[
        model
    ]
    options = {'device': 'cpu', 'det_model': 'whole_image', 'optimize': 'off'}
    assert has(PoseInferencer(model, **options).model, weights)
    assert not has(PoseInferencer(model, 'random', **options).model, weights)
    assert has(PoseInferencer(model, **options).model, weights)
    assert len(file_server.requests) == 1


def test_mmposes_inferencer_uses_released_weights(weights):
    options = {'device': 'cpu', 'det_model': 'whole_image'}
    theirs = MMPoseInferencer(pose2d=config_path(NAME), **options)
    assert has(theirs.inferencer.model, weights)
    untrained = MMPoseInferencer(pose2d=config_path(NAME), pose2d_weights='random', **options)
    assert not has(untrained.inferencer.model, weights)


def test_a_network_without_released_weights_says_which_there_are():
    with pytest.raises(ValueError, match=r'none were released for .*w18.*: hrnet_w32_coco, '):
        PoseInferencer('hrnet_w18_coco', device='cpu')


def test_offline_the_error_says_what_to_do(weights, file_server, tmp_path, capsys):
    for path in file_server.folder.iterdir():
        path.unlink()
    with pytest.raises(SystemExit) as end:
        demo.main(['photo.jpg', '--whole-image', '--device', 'cpu'])
    message = str(end.value)
    for part in (file_server.address, str(tmp_path / 'cache'), 'HRNET_EXT_MIRROR', '404'):
        assert part in message


@pytest.fixture
def detector(file_server, monkeypatch) -> None:
    """MMPose's default detector with random weights, which sees people."""
    choice = dict(default_det_models['body'])
    model = PersonDetector(choice['model']).model
    torch.nn.init.constant_(model.bbox_head.rtm_cls[0].bias, 9)
    choice['weights'] = file_server.add(
        saved(model.state_dict()), 'rtmdet_m_8xb32-100e_coco-obj365-person'
    )
    monkeypatch.setitem(default_det_models, 'body', choice)


@pytest.mark.slow
@pytest.mark.parametrize('page', ['README.md', 'docs/inference.md'])
def test_the_examples_in_python_run(page, weights, detector, photo, tmp_path, monkeypatch):
    (code,) = re.findall(
        r'```python\n(import hrnet_ext.*?)```', (ROOT / page).read_text(), re.DOTALL
    )
    monkeypatch.chdir(tmp_path)
    shutil.copy(photo, 'person.jpg')
    names = {}
    exec(compile(code, page, 'exec'), names)
    assert names['people'][0]['keypoints']
    assert (tmp_path / 'out' / 'visualizations').is_dir()


@pytest.mark.slow
def test_the_demo_needs_nothing_but_a_photo(
    weights, detector, file_server, photo, tmp_path, monkeypatch, mmengine_log
):
    monkeypatch.chdir(tmp_path)
    demo.main([photo, '--device', 'cpu', '--optimize', 'off'])
    assert f'weights of {NAME}, AP 0.749 on COCO' in mmengine_log.text
    assert 'detector rtmdet_m_640' in mmengine_log.text
    assert len(file_server.requests) == 2
    people = json.loads((tmp_path / 'work_dirs/demo/predictions/photo.json').read_text())
    assert len(people) > 0
    drawn = cv2.imread(str(tmp_path / 'work_dirs/demo/visualizations/photo.jpg'))
    assert (drawn != cv2.imread(photo)).any()
    for path in file_server.folder.iterdir():
        path.unlink()
    demo.main([photo, '--device', 'cpu', '--optimize', 'off'])  # now without the server


@pytest.mark.slow
def test_export_and_test_use_released_weights(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / 'pose.torchscript'
    export.main([NAME, '--format', 'torchscript', '--out', str(out), '--check-crops', '1'])
    assert out.is_file()


@pytest.mark.parametrize('command', [test, export, track, demo])
def test_the_checkpoint_is_optional(command):
    arguments = {
        test: [NAME],
        export: [NAME],
        track: ['clip.mp4', '--config', NAME, '--out', 'out'],
        demo: ['photo.jpg'],
    }[command]
    assert command.parse_args(arguments).checkpoint is None


def test_the_list_shows_what_is_downloaded(weights, capsys):
    table = list_models.run(list_models.parse_args([])).splitlines()
    assert len(table) == 11
    assert table[1].split() == f'{NAME} 256x192 AP 0.749 on COCO 28.5 M 7.1 G no'.split()
    released_url = released.released_models()[NAME].url
    from hrnet_ext.safe_loading import download

    download(released_url)
    assert list_models.run(list_models.parse_args([])).splitlines()[1].endswith('yes')
    assert list_models.run(list_models.parse_args(['--dataset', 'mpii', '--urls'])).count('\n') == 1
    with pytest.raises(ValueError, match='there are models of COCO, MPII, PoseTrack18'):
        list_models.run(list_models.parse_args(['--dataset', 'lsp']))

"""Your own annotations: checked, audited, split, and written as a config that trains."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from scipy.io import savemat

from hrnet_ext.commands.prepare_dataset import parse_args
from hrnet_ext.preparation.mirror_pairs import mirror_pairs, split_side
from hrnet_ext.preparation.near_duplicates import group_images, image_hash, split_groups
from hrnet_ext.preparation.prepare import prepare_dataset
from hrnet_ext.synthetic import generate, make_spec

COCO_PAIRS = ('eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')


@pytest.fixture(scope='module')
def rendered(tmp_path_factory) -> Path:
    """120 rendered images of people."""
    folder = tmp_path_factory.mktemp('rendered') / 'data'
    generate(folder, make_spec('coco', num_train=120, num_val=1, size=96), num_workers=1)
    return folder


@pytest.fixture
def content(rendered) -> dict:
    path = rendered / 'annotations' / 'person_keypoints_train2017.json'
    return json.loads(path.read_text())


@pytest.fixture
def prepare(rendered, tmp_path, content):
    """Runs the command on changed annotations; gives the report, the audit and the config."""

    def run(*options: str, change: dict | None = None) -> tuple[str, dict, Config]:
        source = tmp_path / 'mine.json'
        source.write_text(json.dumps(change or content))
        out = tmp_path / 'configs' / 'mine.py'
        arguments = [str(source), str(rendered / 'train2017'), '--out', str(out)]
        network = ['--network', 'hrnet_synthetic', '--weights', 'none']
        report = prepare_dataset(parse_args([*arguments, *network, *options]))
        audit = json.loads((out.with_suffix('') / 'audit.json').read_text())
        return report, audit, Config.fromfile(out)

    return run


def test_clean_data_have_no_suspicions_and_a_config(prepare, tmp_path):
    report, audit, cfg = prepare('--val-fraction', '0.25')
    for key in (
        'images without people', 'unreadable images', 'near-duplicate images',
        'near-duplicate people', 'people with keypoints outside the image',
        'people whose left and right look swapped',
    ):  # fmt: skip
        assert audit[key] == [], key
    assert audit['mirror pairs'] == [f'left_{part} - right_{part}' for part in COCO_PAIRS]
    assert cfg.model.head.out_channels == 17
    assert cfg.metainfo.keypoint_info[1].swap == 'right_eye'
    assert cfg.metainfo.sigmas[0] == 0.026
    parts = [
        {
            image['file_name']
            for image in json.loads(Path(loader.dataset.ann_file).read_text())['images']
        }
        for loader in (cfg.train_dataloader, cfg.val_dataloader)
    ]
    assert [len(part) for part in parts] == [90, 30]
    assert not parts[0] & parts[1]
    assert cv2.imread(str(tmp_path / 'configs/mine/contact_sheet.png')).shape[1] == 4 * 480
    assert 'train with     hrnet-ext train' in report


def test_an_image_that_cannot_be_read_is_reported_and_left_out(rendered, tmp_path, content):
    images = tmp_path / 'images'
    shutil.copytree(rendered / 'train2017', images)
    broken = content['images'][0]['file_name']
    (images / broken).write_bytes(b'not an image')
    source, out = tmp_path / 'mine.json', tmp_path / 'configs' / 'mine.py'
    source.write_text(json.dumps(content))
    given = [str(source), str(images), '--out', str(out)]
    prepare_dataset(parse_args([*given, '--network', 'hrnet_synthetic', '--weights', 'none']))
    audit = json.loads((out.with_suffix('') / 'audit.json').read_text())
    assert audit['unreadable images'] == [broken]
    for part in ('train', 'val'):
        listed = json.loads((out.with_suffix('') / f'{part}.json').read_text())['images']
        assert broken not in {image['file_name'] for image in listed}
    assert out.is_file()
    assert (out.with_suffix('') / 'contact_sheet.png').is_file()


@pytest.mark.parametrize('limb', [[1, 18], [0, 1], [1], [1, 2, 3], 'nose', [1, 2.5], [1, None]])
def test_a_limb_without_two_keypoints_is_refused_before_anything_is_written(
    prepare, content, tmp_path, limb
):
    changed = copy.deepcopy(content)
    changed['categories'][0]['skeleton'] = [[1, 2], limb]
    with pytest.raises(ValueError, match=r'skeleton\[1\] is .*two numbers from 1 to 17'):
        prepare(change=changed)
    assert not (tmp_path / 'configs/mine').exists()


def test_other_metrics_are_added_to_ap(prepare, content):
    from hrnet_ext.commands.prepare_dataset import METRICS as CHOICES
    from hrnet_ext.preparation.config_text import METRICS

    assert tuple(METRICS) == CHOICES
    _, _, cfg = prepare('--metrics', 'pck', 'epe')
    types = [metric.type for metric in cfg.val_evaluator]
    assert types == ['hrnet_ext.CocoMetric', 'PCKAccuracy', 'EPE']
    for person in content['annotations']:
        del person['area']
    _, _, cfg = prepare('--overwrite', change=content)
    assert [dict(metric) for metric in cfg.val_evaluator] == [
        {'type': 'hrnet_ext.CocoMetric', 'use_area': False}
    ]


def test_planted_faults_are_found(prepare, content, rendered):
    people = content['annotations']
    images = content['images']
    copied = {**copy.deepcopy(people[0]), 'id': 10**9}  # a person labeled twice
    people.append(copied)
    first = images[5]  # the same image under another name
    again = cv2.imread(str(rendered / 'train2017' / first['file_name']))
    cv2.imwrite(str(rendered / 'train2017' / 'again.jpg'), again)
    images.append({**first, 'id': 10**9, 'file_name': 'again.jpg'})  # has no people either
    people[7]['bbox'] = [80, 80, 90, 90]
    people[8]['keypoints'][:3] = [500, 20, 2]
    report, audit, _ = prepare(change=content)
    assert audit['near-duplicate people'] == [[people[0]['id'], 10**9]]
    assert [sorted(group) for group in audit['near-duplicate images']] == [
        sorted([first['file_name'], 'again.jpg'])
    ]
    assert audit['images without people'] == [10**9]
    assert audit['boxes that leave the image'] == [people[7]['id']]
    assert audit['people with keypoints outside the image'] == [people[8]['id']]
    assert 'near-duplicate people: 1' in report


def test_exchanged_shoulders_are_found_and_crossed_arms_are_not(content, rendered):
    from hrnet_ext.preparation.audit import people_of, swapped_sides

    pairs = [(2 * index + 1, 2 * index + 2) for index in range(8)]
    people = content['annotations']
    sizes = {image['id']: (image['width'], image['height']) for image in content['images']}
    assert swapped_sides(people_of(people, sizes), pairs) == []
    planted = [person for person in people if person['num_keypoints'] == 17][:10]
    for person in planted:
        values = person['keypoints']
        values[15:18], values[18:21] = values[18:21], values[15:18]
    found = swapped_sides(people_of(people, sizes), pairs)
    assert len(found) >= 4
    assert set(found) <= {person['id'] for person in planted}


@pytest.mark.parametrize(
    ('names', 'pairs'),
    [
        (['left_eye', 'right_eye', 'nose'], [('left_eye', 'right_eye')]),
        (['LShoulder', 'RShoulder'], [('LShoulder', 'RShoulder')]),
        (['shoulder.L', 'shoulder.R'], [('shoulder.L', 'shoulder.R')]),
        (['Knie links', 'Knie rechts'], [('Knie links', 'Knie rechts')]),
        (['leftHand', 'rightHand', 'top'], [('leftHand', 'rightHand')]),
        (
            ['l_f_paw', 'r_f_paw', 'l_b_paw', 'r_b_paw'],
            [('l_f_paw', 'r_f_paw'), ('l_b_paw', 'r_b_paw')],
        ),
        (['codo izquierdo', 'codo derecho'], [('codo izquierdo', 'codo derecho')]),
        (['genou_gauche', 'genou_droit'], [('genou_gauche', 'genou_droit')]),
        (['tail', 'leaf', 'lower_leg', 'ridge'], []),
    ],
)
def test_mirror_pairs_follow_from_names(names, pairs):
    expected = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    assert mirror_pairs(names) == expected


def test_doubtful_names_are_asked_for_and_never_guessed():
    with pytest.raises(ValueError, match=r'left_wing have a side, but no keypoint.*--swap'):
        mirror_pairs(['left_wing', 'right_fin'.replace('right_', ''), 'nose'])
    assert mirror_pairs(['left_wing', 'fin'], ask=False) == {}
    assert mirror_pairs(['a', 'b', 'c'], [('a', 'b')]) == {'a': 'b', 'b': 'a'}
    with pytest.raises(ValueError, match="there is no keypoint 'd'"):
        mirror_pairs(['a'], [('a', 'd')])
    assert split_side('left_upper_arm') == ('left', ('upper', 'arm'))


def test_near_duplicates_stay_on_one_side(tmp_path):
    rng = np.random.default_rng(0)
    hashes = {}
    for scene in range(10):
        image = cv2.resize(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8), (160, 120))
        for take in range(3):
            path = tmp_path / f'{scene}_{take}.jpg'
            cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95 - 20 * take])
            hashes[path.name] = image_hash(path)
    groups = group_images(hashes)
    assert sorted(map(len, groups)) == [3] * 10
    training, validation = split_groups(groups, 0.2, seed=1)
    assert len(validation) == 6
    assert {name[0] for name in training} & {name[0] for name in validation} == set()
    with pytest.raises(ValueError, match='another fraction, or --val'):
        split_groups(groups[:1], 0.5)
    assert image_hash(tmp_path / 'none.jpg') is None


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.pop('categories'), 'has no categories; this command reads COCO'),
        (lambda c: c['categories'][0].pop('keypoints'), 'no category lists its keypoints'),
        (
            lambda c: c['categories'].append({'id': 2, 'name': 'dog', 'keypoints': ['nose']}),
            'several categories with keypoints; choose with --category: person, dog',
        ),
        (
            lambda c: c['images'][3].update(file_name='gone.jpg'),
            'images of .* are missing, such as',
        ),
        (
            lambda c: [a.update(keypoints=[0] * 51, num_keypoints=0) for a in c['annotations']],
            "no annotation of 'person' has labeled keypoints",
        ),
        (lambda c: c['annotations'][0]['keypoints'].__setitem__(2, 7), 'visibility 7'),
    ],
)
def test_bad_annotations_end_with_one_message(prepare, content, change, message, tmp_path):
    change(content)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        prepare(change=content)
    assert not (tmp_path / 'configs' / 'mine.py').exists()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--category', 'cat'], '--category cat: .* has person'),
        (['--sigmas', '0.1'], '1 values for 17 keypoints'),
        (['--swap', 'nose=tail'], "there is no keypoint 'tail'"),
        (['--val-fraction', '0.001'], 'use another fraction, or --val'),
        (['--val', 'none.json', '.'], r'none\.json'),
    ],
)
def test_bad_options_end_with_one_message(prepare, options, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        prepare(*options)


def test_an_existing_config_is_kept(prepare, tmp_path):
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs' / 'mine.py').write_text('# mine\n')
    with pytest.raises(ValueError, match='exists; --overwrite replaces it'):
        prepare()
    assert (tmp_path / 'configs' / 'mine.py').read_text() == '# mine\n'
    prepare('--overwrite')


def run_example(name: str, *arguments: object) -> None:
    """Run a script of docs/own_data.md."""
    page = (Path(__file__).parents[1] / 'docs' / 'own_data.md').read_text()
    (code,) = (
        block
        for block in re.findall(r'```python\n(.*?)```', page, re.DOTALL)
        if f'python {name}' in block
    )
    command = [sys.executable, '-c', code, *map(str, arguments)]
    environment = {**os.environ, 'PYTHONPATH': str(Path(__file__).parents[1])}
    subprocess.run(command, check=True, env=environment)


def test_the_script_for_yolo_labels_gives_back_the_annotations(content, rendered, tmp_path):
    by_image = {image['id']: image for image in content['images']}
    for person in content['annotations']:
        image = by_image[person['image_id']]
        size = np.array([image['width'], image['height']], float)
        x, y, w, h = person['bbox']
        box = np.array([x + w / 2, y + h / 2, w, h]) / np.tile(size, 2)
        points = np.array(person['keypoints'], float).reshape(-1, 3) / (*size, 1)
        line = ' '.join(map(str, (0, *box, *points.ravel())))
        with (tmp_path / f'{Path(image["file_name"]).stem}.txt').open('a') as file:
            file.write(f'{line}\n')
    run_example('yolo.py', rendered / 'train2017', tmp_path, tmp_path / 'out.json')
    found = json.loads((tmp_path / 'out.json').read_text())
    names = {image['id']: image['file_name'] for image in found['images']}
    wanted = [
        (by_image[person['image_id']]['file_name'], person['keypoints'])
        for person in content['annotations']
    ]
    got = [(names[person['image_id']], person['keypoints']) for person in found['annotations']]
    assert [name for name, _ in got] == [name for name, _ in wanted]
    np.testing.assert_allclose([k for _, k in got], [k for _, k in wanted], atol=1e-6)


def test_the_script_for_lsp_gives_keypoints_that_can_be_prepared(rendered, tmp_path):
    rng = np.random.default_rng(0)
    joints = rng.uniform(2, 90, (14, 3, 20))
    joints[:, 2] = 1
    joints[3, 2, 0] = 0
    (tmp_path / 'images').mkdir()
    for number, path in enumerate(sorted((rendered / 'train2017').glob('0*.jpg'))[:20], start=1):
        shutil.copy(path, tmp_path / 'images' / f'im{number:05}.jpg')
    savemat(tmp_path / 'joints.mat', {'joints': joints})
    run_example('lsp.py', tmp_path, 1, 20, tmp_path / 'lsp.json')
    people = json.loads((tmp_path / 'lsp.json').read_text())['annotations']
    assert people[0]['keypoints'][:2] == pytest.approx(joints[0, :2, 0] - 1)
    assert people[0]['keypoints'][9:12] == [0, 0, 0]
    arguments = [str(tmp_path / 'lsp.json'), str(tmp_path / 'images')]
    out = ['--out', str(tmp_path / 'lsp.py'), '--network', 'hrnet_synthetic', '--weights', 'none']
    assert 'people: 20' in prepare_dataset(parse_args([*arguments, *out]))
    cfg = Config.fromfile(tmp_path / 'lsp.py')
    assert cfg.train_dataloader.dataset.boxes_from_keypoints == 1.25
    assert cfg.val_evaluator[0].use_area is False


@pytest.mark.slow
@pytest.mark.parametrize('num_keypoints', [1, 5, 14, 26, 133])
def test_any_number_of_keypoints_trains_is_evaluated_and_exported(
    num_keypoints, rendered, content, tmp_path, monkeypatch
):
    from hrnet_ext.commands import export, train
    from hrnet_ext.commands import test as test_command
    from hrnet_ext.export.runtime import PoseSession

    rng = np.random.default_rng(0)
    content['images'] = content['images'][:24]
    ids = {image['id'] for image in content['images']}
    content['annotations'] = [each for each in content['annotations'] if each['image_id'] in ids]
    for person in content['annotations']:
        x, y, w, h = person['bbox']
        points = rng.uniform((x, y), (x + w, y + h), (num_keypoints, 2)).clip(0, 95)
        values = np.concatenate([points, np.full((num_keypoints, 1), 2)], axis=1)
        person.update(keypoints=values.ravel().tolist(), num_keypoints=num_keypoints)
    content['categories'] = [
        {'id': 1, 'name': 'thing', 'keypoints': [f'point_{k}' for k in range(num_keypoints)]}
    ]
    (tmp_path / 'mine.json').write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    arguments = ['mine.json', str(rendered / 'train2017'), '--out', 'mine.py']
    options = ['--network', 'hrnet_synthetic', '--weights', 'none', '--val-fraction', '0.25']
    options += ['--metrics', 'pck', 'auc', 'epe']
    prepare_dataset(parse_args([*arguments, *options]))
    short = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1']
    short += [f'{part}_dataloader.{key}' for part in ('train', 'val', 'test')
              for key in ('num_workers=0', 'persistent_workers=False')]  # fmt: skip
    train.run(train.parse_args(['mine.py', '--cfg-options', *short]))
    test_command.run(
        test_command.parse_args(
            ['mine.py', 'last', '--work-dir', 'work_dirs/mine', '--show-dir', 'drawn',
             '--out', 'metrics.json', '--cfg-options', *short]
        )
    )  # fmt: skip
    assert {'coco/AP', 'PCK', 'AUC', 'EPE'} <= set(json.loads(Path('metrics.json').read_text()))
    assert any(Path('work_dirs/mine').rglob('drawn/*'))
    checkpoint = torch.load('work_dirs/mine/epoch_1.pth', weights_only=False)
    # After an epoch, heatmaps are flat, and rounding would decide where their maximum is.
    checkpoint['state_dict']['head.final_layer.weight'] *= 100
    torch.save(checkpoint, 'peaked.pth')
    export.main(['mine.py', 'peaked.pth', '--format', 'torchscript', '--with-normalize',
                 '--out', 'mine.torchscript', '--check-crops', '2'])  # fmt: skip
    image = cv2.imread(os.fspath(rendered / 'train2017' / content['images'][0]['file_name']))
    keypoints, scores = PoseSession('mine.torchscript')(image, [[0, 0, 95, 95]])
    assert keypoints.shape == (1, num_keypoints, 2)
    assert scores.shape == (1, num_keypoints)

"""Samples are MMPose's: to the bit for the same random numbers, step by step and in any mixture."""

import itertools
import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmpose.datasets import transforms as mmposes
from mmpose.datasets.datasets.body import CocoDataset as MMPoseCocoDataset
from mmpose.registry import TRANSFORMS
from scipy.stats import truncnorm

from hrnet_ext import config_path
from hrnet_ext.datasets import transforms as ours
from hrnet_ext.datasets.body import CocoDataset
from tests.tiny_coco import annotations

SIZE = (96, 128)  # w, h
TRAINING = [
    ('LoadImage', {}),
    ('GetBBoxCenterScale', {}),
    ('RandomFlip', {}),
    ('RandomHalfBody', {'prob': 0.6}),
    ('RandomBBoxTransform', {}),
    ('TopdownAffine', {'input_size': SIZE}),
    ('PackPoseInputs', {'pack_transformed': True}),
]
TESTING = [TRAINING[index] for index in (0, 1, 5, 6)]
OURS = [name for name, _ in TRAINING if hasattr(ours, name)]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Pictures like photographs, as JPEGs, of sides that no block goes into."""
    root = tmp_path_factory.mktemp('coco')
    (root / 'images').mkdir()
    content, rng = annotations(), np.random.default_rng(0)
    for image in content['images']:
        image.update(file_name=f'{image["id"]:06}.jpg', width=101, height=99)
        noise = rng.integers(0, 255, (20, 22, 3), dtype=np.uint8)
        picture = cv2.resize(noise, (101, 99), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(root / 'images' / image['file_name']), picture)
    for person in content['annotations']:
        person['segmentation'] = [[1.0, 2.0, 30.0, 2.0, 30.0, 40.0]]
    (root / 'people.json').write_text(json.dumps(content))
    return root


def pipeline(steps, which=()):
    """The steps, those named in ``which`` ours and the others MMPose's."""
    return [getattr(ours if name in which else mmposes, name)(**given) for name, given in steps]


def dataset(kind, root, steps, which=(), **options):
    return kind(
        ann_file='people.json',
        data_root=str(root),
        data_prefix={'img': 'images/'},
        pipeline=pipeline(steps, which),
        **options,
    )


def samples(data, seed=0, rounds=1):
    np.random.seed(seed)
    found = [data[index] for _ in range(rounds) for index in range(len(data))]
    return found, np.random.random_sample()


def flat(value, path=''):
    """All that is in a sample, by where it is."""
    if hasattr(value, 'all_items'):
        value = {'type': type(value).__name__, **dict(value.all_items())}
    if isinstance(value, dict):
        return {k: v for key, each in value.items() for k, v in flat(each, f'{path}/{key}').items()}
    return {path: value}


def assert_equal(found, expected):
    found, expected = flat(found), flat(expected)
    assert found.keys() == expected.keys()
    for path, wanted in expected.items():
        got = found[path]
        assert type(got) is type(wanted), path
        if isinstance(wanted, (np.ndarray, torch.Tensor)):
            assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape), path
            np.testing.assert_array_equal(np.asarray(got), np.asarray(wanted), path)
        else:
            assert got == wanted, path


@pytest.mark.parametrize(
    'which',
    [c for n in (0, 1, len(OURS) - 1, len(OURS)) for c in itertools.combinations(OURS, n)],
    ids=lambda which: '+'.join(name for name in which) or 'none',
)
def test_any_mixture_of_steps_gives_mmposes_training_samples(root, which):
    rounds = 2 if 0 < len(which) < len(OURS) else 12
    theirs = dataset(MMPoseCocoDataset, root, TRAINING)
    mixed = dataset(CocoDataset, root, TRAINING, which)
    expected, last = samples(theirs, rounds=rounds)
    found, ours_last = samples(mixed, rounds=rounds)
    assert ours_last == last  # as many random numbers were drawn
    for ours_sample, mmposes_sample in zip(found, expected):
        assert_equal(ours_sample, mmposes_sample)


@pytest.mark.parametrize('kind', [CocoDataset, MMPoseCocoDataset])
@pytest.mark.parametrize('reuse', [False, True])
def test_test_samples_are_mmposes(root, kind, reuse):
    steps = [('LoadImage', {'reuse': reuse}), *TESTING[1:]]
    expected, _ = samples(dataset(MMPoseCocoDataset, root, TESTING, test_mode=True))
    found, _ = samples(dataset(kind, root, steps, OURS, test_mode=True))
    for ours_sample, mmposes_sample in zip(found, expected):
        assert_equal(ours_sample, mmposes_sample)
        assert ours_sample['inputs'].is_contiguous()


def test_targets_are_packed_as_mmpose_packs_them(root):
    codec = {'type': 'MSRAHeatmap', 'input_size': SIZE, 'heatmap_size': (24, 32), 'sigma': 2}
    two = [codec, {**codec, 'heatmap_size': (12, 16)}]
    init_default_scope('mmpose')
    for encoder, multilevel in ((codec, False), (two, True), ([codec, codec], None)):
        results = CocoDataset(
            'people.json', data_root=str(root), data_prefix={'img': 'images/'}
        ).get_data_info(0)
        for step in pipeline(TESTING[:-1]):
            results = step(results)
        if multilevel is None:  # labels of several encoders
            results['keypoint_labels'] = [results['transformed_keypoints']] * 2
        else:
            make = mmposes.GenerateTarget(encoder=encoder, multilevel=multilevel)
            results = make(results)
        expected = mmposes.PackPoseInputs().transform(dict(results))
        found = ours.PackPoseInputs().transform(dict(results))
        assert ('gt_fields' in found['data_samples']) is (multilevel is not None)
        if multilevel:
            levels = [each['data_samples'].gt_fields.heatmaps for each in (found, expected)]
            assert all(torch.equal(*pair) for pair in zip(*levels, strict=True))
            continue
        assert_equal(found, expected)


def test_targets_of_one_and_of_several_levels_are_not_mixed(root):
    maps = np.zeros((17, 8, 8), np.float32)
    results = {'img': np.zeros((8, 8, 3), np.uint8), 'heatmaps': maps, 'displacements': [maps]}
    with pytest.raises(ValueError, match=r'several levels \(displacements\).*of one \(heatmaps\)'):
        ours.PackPoseInputs().transform(results)


@pytest.mark.parametrize(
    'image',
    [
        np.arange(60, dtype=np.uint8).reshape(4, 5, 3)[:, ::-1],
        np.arange(60, dtype=np.float32).reshape(4, 5, 3),
        np.arange(20, dtype=np.uint8).reshape(4, 5),
        [np.arange(60, dtype=np.uint8).reshape(4, 5, 3)] * 2,
    ],
    ids=['mirrored', 'float', 'gray', 'several'],
)
def test_pictures_of_any_kind_are_packed(image):
    expected = mmposes.PackPoseInputs().transform({'img': image})['inputs']
    found = ours.PackPoseInputs().transform({'img': image})['inputs']
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)


def test_poses_to_be_lifted_are_packed():
    results = {'lifting_target': np.zeros((1, 17, 3)), 'keypoints': np.ones((1, 17, 2))}
    expected = mmposes.PackPoseInputs().transform(dict(results))
    assert torch.equal(ours.PackPoseInputs().transform(results)['inputs'], expected['inputs'])


def test_steps_write_into_nothing_they_are_given(root):
    data = CocoDataset('people.json', data_root=str(root), data_prefix={'img': 'images/'})
    for name, given in TRAINING:
        results = data.get_data_info(0)
        for step in pipeline(TRAINING[: [n for n, _ in TRAINING].index(name)]):
            results = step(results)
        if name not in OURS or name.startswith('Random'):  # those are MMPose's but for the numbers
            continue
        before = dict(results)
        copies = {k: v.copy() for k, v in before.items() if isinstance(v, np.ndarray)}
        getattr(ours, name)(**given).transform(results)
        assert results.keys() == before.keys(), name
        assert all(results[key] is before[key] for key in before), name
        assert all(np.array_equal(before[key], value) for key, value in copies.items()), name


@pytest.mark.parametrize('use_udp', [False, True])
@pytest.mark.parametrize('several', [False, True])
def test_crops_are_mmposes_with_and_without_keypoints(use_udp, several):
    rng = np.random.default_rng(5)
    image = rng.integers(0, 255, (80, 90, 3), dtype=np.uint8)
    step = {'input_size': SIZE, 'use_udp': use_udp}
    for extra in ({}, {'keypoints': rng.random((1, 5, 3)).astype(np.float32) * 80}):
        results = {
            'img': [image, image[:, ::-1]] if several else image,
            'bbox_center': np.array([[40, 30]], np.float32),
            'bbox_scale': np.array([[50, 30]], np.float32),
            'bbox_rotation': np.array([12.5], np.float32),
            **extra,
        }
        expected = mmposes.TopdownAffine(**step).transform(dict(results))
        found = ours.TopdownAffine(**step).transform(results)
        assert found.keys() == expected.keys()
        for key in expected:
            np.testing.assert_array_equal(found[key], expected[key], key)


def test_several_people_in_one_crop_are_refused():
    boxes = {'bbox_center': np.zeros((2, 2)), 'bbox_scale': np.ones((2, 2)), 'img': None}
    with pytest.raises(ValueError, match=r"crops one person, but got 2.*data_mode='topdown'"):
        ours.TopdownAffine(SIZE).transform(boxes)


@pytest.mark.parametrize(
    ('prob', 'direction'),
    [
        (0.5, 'horizontal'),
        (0.3, 'vertical'),
        (0.8, ['horizontal', 'vertical', 'diagonal']),
        ([0.2, 0.5], ['diagonal', 'horizontal']),
        (1.0, 'horizontal'),
        (0.0, 'horizontal'),
    ],
)
def test_directions_are_those_that_numpy_would_choose(prob, direction):
    chosen = []
    for kind in (mmposes.RandomFlip, ours.RandomFlip):
        np.random.seed(1)
        step = kind(prob, direction)
        chosen.append([step._choose_direction() for _ in range(300)])
    assert chosen[0] == chosen[1]


def test_boxes_vary_as_scipys_truncated_normal_distribution_does():
    np.random.seed(2)
    found = ours.RandomBBoxTransform._truncnorm(size=(50_000, 4))
    after = np.random.random_sample()
    np.random.seed(2)
    expected = truncnorm.rvs(-1, 1, size=(50_000, 4)).astype(np.float32)
    assert np.random.random_sample() == after
    assert found.dtype == np.float32
    # float32 hides what the two formulas differ by, except next to a rounding edge
    np.testing.assert_array_max_ulp(found, expected, 1)
    assert (found != expected).mean() < 1e-5


def test_shipped_pipelines_differ_from_mmposes_in_speed_only():
    config = Config.fromfile(config_path('hrnet_w32_coco'))
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        steps = config[loader].dataset.pipeline
        names = [step.type.removeprefix('hrnet_ext.') for step in steps]
        expected = [name for name, _ in (TRAINING if loader.startswith('train') else TESTING)]
        assert [name for name in names if name != 'KeypointTargets'] == expected
        init_default_scope('mmpose')
        for step in Compose([TRANSFORMS.build(step) for step in steps]).transforms:
            reference = getattr(mmposes, type(step).__name__, None)
            assert reference is None or isinstance(step, reference)

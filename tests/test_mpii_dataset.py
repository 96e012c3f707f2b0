"""The MPII data set loads what MMPose's does, 0-based, and names what is wrong with its files."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmpose.datasets.datasets.body import MpiiDataset as MMPoseMpiiDataset
from mmpose.datasets.transforms import GetBBoxCenterScale, PackPoseInputs, TopdownAffine

from hrnet_ext.datasets.body import MpiiDataset
from hrnet_ext.datasets.body.mpii import image_ids
from hrnet_ext.datasets.transforms import LoadImage
from tests.mpii_cases import release_people, write_mpii

SAMPLE = Path(__file__).parents[2] / 'shared/data/mpii_sample'


@pytest.fixture
def root(tmp_path):
    write_mpii(tmp_path)
    return tmp_path


def options(root, **changes) -> dict:
    return {
        'data_root': str(root),
        'ann_file': 'release.json',
        'data_prefix': {'img': 'images/'},
        **changes,
    }


def rewrite(root, change, name='release.json') -> None:
    """Apply ``change`` to the annotations in place and write them back."""
    content = json.loads((root / name).read_text())
    change(content)
    (root / name).write_text(json.dumps(content))


def assert_same_but_0_based(found: dict, expected: dict) -> None:
    """A sample of ours is MMPose's, but for the pixel it forgets at keypoints."""
    assert found.keys() - expected.keys() == {'raw_ann_info'}
    assert not expected.keys() - found.keys()
    visible = expected['keypoints_visible'].astype(bool)
    np.testing.assert_allclose(
        found['keypoints'][visible], expected['keypoints'][visible] - 1, atol=1e-4
    )
    for key in expected.keys() - {'keypoints'}:
        if not isinstance(expected[key], np.ndarray):
            assert found[key] == expected[key], key
            continue
        assert (found[key].shape, found[key].dtype) == (expected[key].shape, expected[key].dtype)
        np.testing.assert_allclose(found[key], expected[key], rtol=1e-5, err_msg=key)


@pytest.mark.parametrize('test_mode', [False, True])
def test_samples_equal_mmposes_but_for_the_keypoints_origin(root, test_mode):
    expected = MMPoseMpiiDataset(**options(root, test_mode=test_mode))
    found = MpiiDataset(**options(root, test_mode=test_mode))
    assert len(expected) == 3  # the last person has no keypoint
    assert len(found) == (4 if test_mode else 3)
    for index in range(len(expected)):
        assert_same_but_0_based(found.get_data_info(index), expected.get_data_info(index))


def test_head_sizes_equal_mmposes(root):
    mat = {'headbox_file': str(root / 'gt.mat')}
    expected = MMPoseMpiiDataset(**options(root, test_mode=True, **mat))
    for changes in (mat, {'headbox_file': 'gt.mat'}, {'ann_file': 'own.json'}):
        found = MpiiDataset(**options(root, test_mode=True, **changes))
        assert found.metainfo['has_head_boxes']
        for index in range(len(expected)):
            sizes = [dataset.get_data_info(index)['head_size'] for dataset in (found, expected)]
            assert sizes[0].shape == sizes[1].shape == (1, 1)
            np.testing.assert_allclose(*sizes, rtol=1e-9)


def test_both_forms_of_the_same_people_give_the_same_samples(root):
    release = MpiiDataset(**options(root, test_mode=True, headbox_file='gt.mat'))
    own = MpiiDataset(**options(root, test_mode=True, ann_file='own.json'))
    for index in range(4):
        a, b = release.get_data_info(index), own.get_data_info(index)
        assert a.keys() == b.keys()
        for key in a.keys() - {'id', 'raw_ann_info'}:
            np.testing.assert_array_equal(a[key], b[key], err_msg=key)


def test_one_pixel_is_followed_into_the_crop(root):
    """The 1-based joint (x, y) is the pixel [y - 1, x - 1] of the array."""
    import cv2

    person = release_people()[0]
    x, y = (round(value) for value in person['joints'][3])
    picture = np.zeros((240, 260, 3), np.uint8)
    picture[y - 1, x - 1] = 255
    cv2.imwrite(str(root / 'images' / person['image']), picture)
    rewrite(root, lambda people: people[0]['joints'].__setitem__(3, [x, y]))
    results = MpiiDataset(**options(root)).get_data_info(0)
    results.update(bbox_scale=results['bbox_scale'] * 1.25)
    for step in (LoadImage(), TopdownAffine(input_size=(256, 256))):
        results = step.transform(results)
    bright = results['img'][..., 0].astype(float)
    rows, columns = np.nonzero(bright)
    center = np.average(np.c_[columns, rows], axis=0, weights=bright[rows, columns])
    np.testing.assert_allclose(results['transformed_keypoints'][0, 3], center, atol=0.3)


def test_mmposes_transforms_carry_what_metrics_need(root):
    results = MpiiDataset(**options(root, test_mode=True, ann_file='own.json')).get_data_info(1)
    steps = (LoadImage(), GetBBoxCenterScale(), TopdownAffine((256, 256)), PackPoseInputs())
    for step in steps:
        results = step.transform(results)
    sample = results['data_samples']
    assert sample.raw_ann_info == {
        'id': 11,
        'image': '052475643.png',
        'image_index': 4,
        'rectangle': 1,
        'single_person': False,
    }
    assert sample.gt_instances.head_size.shape == (1, 1)
    assert (sample.id, sample.img_id) == (11, 52475643)


def test_metainfo_is_mmposes_but_for_the_colors():
    expected = MMPoseMpiiDataset(lazy_init=True).metainfo
    found = MpiiDataset(lazy_init=True).metainfo
    assert found.keys() == expected.keys()
    differing = {key for key in expected if not np.array_equal(found[key], expected[key])}
    assert differing == {'keypoint_colors', 'skeleton_link_colors'}


def test_names_of_images_need_not_be_numbers():
    assert image_ids(['0012.jpg', '7.jpg', '0012.jpg']) == [12, 7, 12]
    assert image_ids(['a/1.jpg', '2.jpg', 'a/1.jpg']) == [0, 1, 0]
    assert image_ids(['012.jpg', '12.jpg']) == [0, 1]  # two images, one number
    assert image_ids(['1_2.jpg']) == [0]  # no number, though int() thinks so


def test_the_test_set_has_no_keypoints(root):
    def strip(content):
        for person in content['people']:
            for key in ('joints', 'joints_vis', 'head_box'):
                del person[key]

    rewrite(root, strip, 'own.json')
    dataset = MpiiDataset(**options(root, test_mode=True, ann_file='own.json'))
    assert len(dataset) == 4
    assert (dataset.metainfo['has_keypoints'], dataset.metainfo['has_head_boxes']) == (False, False)
    assert not dataset.get_data_info(0)['keypoints_visible'].any()
    with pytest.raises(ValueError, match=r'has no person with an annotated keypoint.*test set'):
        MpiiDataset(**options(root, ann_file='own.json'))


def test_bottom_up_samples_are_images(root):
    dataset = MpiiDataset(**options(root, data_mode='bottomup'))
    assert [len(dataset.get_data_info(index)['keypoints']) for index in range(3)] == [1, 2, 1]


class TestFiles:
    def test_a_missing_annotation_file_names_key_and_cure(self, tmp_path):
        with pytest.raises(FileNotFoundError) as caught:
            MpiiDataset(**options(tmp_path))
        message = str(caught.value)
        assert str(tmp_path / 'release.json') in message
        assert 'train_dataloader.dataset.ann_file' in message
        assert 'tools/convert_mpii.py annotations' in message
        assert '--cfg-options train_dataloader.dataset.data_root=FOLDER' in message

    def test_missing_images_are_counted(self, root):
        (root / 'images' / '052475643.png').unlink()
        with pytest.raises(FileNotFoundError, match=r'1 of 2 images are missing.*data_prefix.img'):
            MpiiDataset(**options(root))

    @pytest.mark.parametrize(
        ('content', 'expected'),
        [
            ('[{', 'is not JSON: .* line 1'),
            ('3', 'holds a int, but an MPII annotation file'),
            ('[]', 'people is empty'),
            ('[3]', r'people\[0\] should be an object, but is 3'),
            ('{"people": []}', 'is another kind of JSON'),
            ('{"images": [], "annotations": []}', "is in COCO's format, but an MPII annotation"),
            ('{"info": {"format": "hrnet_ext.mpii", "version": 2}}', 'info.version 2, .* reads 1'),
            ('{"info": {"format": "hrnet_ext.mpii", "version": 1}}', 'lacks people'),
            ('[{"image_id": 1, "bbox": []}]', r'people\[0\] lacks image, center, scale'),
        ],
    )
    def test_what_is_no_annotation_file_is_explained(self, root, content, expected):
        (root / 'release.json').write_text(content)
        with pytest.raises(ValueError, match=expected) as caught:
            MpiiDataset(**options(root))
        assert str(root / 'release.json') in str(caught.value)
        assert 'train_dataloader.dataset.ann_file' in str(caught.value)

    @pytest.mark.parametrize(
        ('field', 'value', 'expected'),
        [
            ('joints', [[1, 2]] * 14, r'joints should be 16 \[x, y\], one .*, but has 14'),
            ('joints', [[1, 2, 3]] * 16, r'joints should be 16 \[x, y\].*but is \[\[1, 2, 3\]'),
            ('joints', [[1, None]] * 16, r'joints should be 16 .*None'),
            ('joints', [[1, float('nan')]] * 16, r'joints should be 16 .*nan'),
            ('joints_vis', [1] * 15, 'joints_vis should be 16 of 0 or 1, .*, but has 15'),
            ('joints_vis', [1] * 15 + [2], r'joints_vis\[15\] \(left_wrist\) is 2, .* 0 or 1'),
            ('joints_vis', None, 'joints_vis should be 16 of 0 or 1'),
            ('center', [1, 2, 3], r'center should be \[x, y\], but has 3'),
            ('center', 'here', "center should be .*, but is 'here'"),
            ('scale', 0, 'scale is 0, but should be positive'),
            ('scale', -1.0, 'scale is -1, but should be positive'),
            ('scale', float('inf'), 'scale should be a number, but is inf'),
            ('image', 7, 'image should be the name of a file, but is 7'),
            ('id', 'x', "id should be an integer, but is 'x'"),
            ('id', 0, r'has the id 0 of .*people\[0\]'),
        ],
    )
    def test_a_wrong_value_is_named_with_its_person(self, root, field, value, expected):
        rewrite(root, lambda people: people[2].__setitem__(field, value))
        with pytest.raises(ValueError, match=rf'people\[2\]\.?.*{expected}') as caught:
            MpiiDataset(**options(root))
        assert str(root / 'release.json') in str(caught.value)

    def test_joints_without_visibility_are_refused(self, root):
        rewrite(root, lambda people: people[1].pop('joints_vis'))
        with pytest.raises(ValueError, match=r'people\[1\] has only one of joints and joints_vis'):
            MpiiDataset(**options(root))

    def test_options_that_make_no_sense_are_refused(self, root):
        with pytest.raises(ValueError, match=r'train_dataloader.dataset.headbox_file: .*leave it'):
            MpiiDataset(**options(root, headbox_file='gt.mat'))
        with pytest.raises(ValueError, match=r'val_dataloader.dataset.bbox_file.*: MPII is'):
            MpiiDataset(**options(root, test_mode=True, bbox_file='x.json'))


@pytest.mark.parametrize(
    ('test_mode', 'expected'),
    [
        (False, '2 images, 3 people; left out: 1 without an annotated joint'),
        (True, '3 images, 4 people; of these 1 without an annotated joint'),
    ],
)
def test_one_line_says_who_was_kept(root, mmengine_log, test_mode, expected):
    MpiiDataset(**options(root, test_mode=test_mode))
    (said,) = (record.getMessage() for record in mmengine_log.records)
    assert said == f'`{root / "release.json"}`: {expected}'


@pytest.mark.parametrize('unknown', [[0, 0], [-1, -1]])
def test_annotated_joints_where_unknown_ones_are_written_are_counted(root, mmengine_log, unknown):
    rewrite(root, lambda people: people[1]['joints'].__setitem__(slice(2, 4), [unknown] * 2))
    expected = MMPoseMpiiDataset(**options(root))
    dataset = MpiiDataset(**options(root))
    for index in range(3):
        assert_same_but_0_based(dataset.get_data_info(index), expected.get_data_info(index))
    warning = mmengine_log.records[0].getMessage()
    assert '2 of 46 annotated joints (joints_vis 1), of 1 person, are to the left of' in warning
    assert 'first is the right_hip of people[1] (052475643.png), at [' in warning


def test_joints_most_of_which_are_unknown_are_refused(root):
    def forget(people):
        for person in people:
            person.update(joints=[[-1, -1]] * 16, joints_vis=[1] * 16)

    rewrite(root, forget)
    with pytest.raises(ValueError, match=r'64 of 64 annotated joints .*set the joints_vis of unk'):
        MpiiDataset(**options(root))


def test_our_own_form_needs_ids_of_its_own(root):
    rewrite(root, lambda content: content['people'][1].update(id=10), 'own.json')
    with pytest.raises(ValueError, match=r'people\[1\] has the id 10 of .*people\[0\]'):
        MpiiDataset(**options(root, ann_file='own.json'))


@pytest.mark.skipif(not SAMPLE.is_dir(), reason='the real MPII sample is not here')
def test_the_real_sample_loads():
    real = {'data_root': str(SAMPLE), 'ann_file': 'test_mpii.json', 'data_prefix': {'img': ''}}
    expected = MMPoseMpiiDataset(**real, test_mode=True)
    found = MpiiDataset(**real, test_mode=True)
    assert len(found) == 5
    assert found.metainfo['has_head_boxes'] is False
    for index in range(5):
        assert_same_but_0_based(found.get_data_info(index), expected.get_data_info(index))
        image = LoadImage().transform(found.get_data_info(index))['img']
        keypoints = found.get_data_info(index)['keypoints'][0]
        visible = found.get_data_info(index)['keypoints_visible'][0].astype(bool)
        assert (keypoints[visible] >= 0).all()
        assert (keypoints[visible] < image.shape[1::-1]).all()

"""The COCO data set loads what MMPose's does, and names what is wrong with its files."""

import json

import numpy as np
import pytest
from mmpose.datasets.datasets.body import CocoDataset as MMPoseCocoDataset

from hrnet_ext.datasets.body import CocoDataset
from hrnet_ext.datasets.body.coco_keypoints import KEYPOINTS
from hrnet_ext.datasets.body.metainfo import mirror_of
from hrnet_ext.datasets.transforms import LoadImage
from hrnet_ext.formats.files import missing_images
from tests.tiny_coco import NUM_KEYPOINTS, write_coco


@pytest.fixture
def root(tmp_path):
    write_coco(tmp_path)
    return tmp_path


def options(root, **changes) -> dict:
    return {
        'data_root': str(root),
        'ann_file': 'people.json',
        'data_prefix': {'img': 'images/'},
        **changes,
    }


def rewrite(root, change) -> None:
    """Apply ``change`` to the annotations in place and write them back."""
    content = json.loads((root / 'people.json').read_text())
    change(content)
    (root / 'people.json').write_text(json.dumps(content))


def equal(a: object, b: object) -> bool:
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b


@pytest.mark.parametrize('boxes', [None, 'boxes.json'])
def test_samples_equal_mmposes(root, boxes):
    theirs = options(root, test_mode=True, bbox_file=boxes and str(root / boxes))
    expected = MMPoseCocoDataset(**theirs)
    found = CocoDataset(**options(root, test_mode=True, bbox_file=boxes))
    assert len(found) == len(expected) == 6
    for index in range(len(expected)):
        ours, mmposes = found.get_data_info(index), expected.get_data_info(index)
        assert ours.keys() - mmposes.keys() <= {'img_shape', 'category_id'}
        assert ours['img_shape'] == (96, 96)
        assert all(equal(ours[key], mmposes[key]) for key in mmposes), index
        dtypes = [
            {k: v.dtype for k, v in s.items() if k != 'category_id' and hasattr(v, 'dtype')}
            for s in (ours, mmposes)
        ]
        assert dtypes[0] == dtypes[1]


def test_metainfo_is_mmposes_but_for_the_colors():
    expected = MMPoseCocoDataset(lazy_init=True).metainfo
    found = CocoDataset(lazy_init=True).metainfo
    differing = {key for key in expected if not equal(found[key], expected[key])}
    assert found.keys() == expected.keys()
    assert differing == {'keypoint_colors', 'skeleton_link_colors'}


def test_mirroring_names_twice_gives_them_back():
    assert len(set(KEYPOINTS)) == NUM_KEYPOINTS
    assert {mirror_of(name) for name in KEYPOINTS} == set(KEYPOINTS)
    assert all(mirror_of(mirror_of(name)) == name for name in KEYPOINTS)
    assert [name for name in KEYPOINTS if mirror_of(name) == name] == ['nose']


def test_module_path_lets_mmpose_choose_a_person_detector():
    assert CocoDataset.__module__.split('datasets.')[-1].split('.')[0] == 'body'


def test_missing_annotation_file_names_file_key_and_cure(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        CocoDataset(**options(tmp_path))
    message = str(caught.value)
    assert str(tmp_path / 'people.json') in message
    assert 'train_dataloader.dataset.ann_file' in message
    assert '--cfg-options train_dataloader.dataset.data_root=FOLDER' in message


def test_a_config_can_say_how_to_get_its_data(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'run python tools/make_synthetic\.py'):
        CocoDataset(**options(tmp_path, how_to_get='run python tools/make_synthetic.py'))


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        pytest.param('{"images": [\n nobody]}', r'not JSON.*line 2, column 2\b', id='malformed'),
        pytest.param('', r'not JSON.*line 1, column 1', id='empty'),
        pytest.param('[]', r'holds a list.*bbox_file', id='detections'),
        pytest.param('{"images": []}', r'lacks annotations, categories', id='other JSON'),
        pytest.param(
            '{"images": {}, "annotations": [], "categories": []}',
            r'images should be a list, but is dict',
            id='wrong type',
        ),
        pytest.param(
            '{"images": [], "annotations": [], "categories": []}', r'has no person', id='nobody'
        ),
    ],
)
def test_what_is_no_annotation_file_is_explained(root, content, expected):
    (root / 'people.json').write_text(content)
    with pytest.raises(ValueError, match=expected) as caught:
        CocoDataset(**options(root))
    assert str(root / 'people.json') in str(caught.value)


def test_an_archive_instead_of_json_is_explained(root):
    (root / 'people.json').write_bytes(b'PK\x03\x04\xff\xfe')
    with pytest.raises(ValueError, match='not JSON: byte 4 is not text'):
        CocoDataset(**options(root))


def drop_image_id(content: dict) -> None:
    del content['annotations'][1]['image_id']


def shorten_box(content: dict) -> None:
    content['annotations'][1]['bbox'] = [1, 2, 3]


def drop_last_keypoint(content: dict) -> None:
    content['annotations'][1]['keypoints'] = content['annotations'][1]['keypoints'][:48]


def drop_keypoints(content: dict) -> None:
    for annotation in content['annotations']:
        del annotation['keypoints']


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (drop_image_id, r'annotations\[1\] lacks image_id'),
        (shorten_box, r'annotation 3: bbox should be \[x, y, w, h\]'),
        (drop_last_keypoint, r'annotation 3 has 48 keypoint values, but 17 keypoints need 51'),
        (drop_keypoints, r'person_keypoints_\*.json, not in instances_\*.json'),
    ],
)
def test_a_broken_annotation_is_named(root, change, expected):
    rewrite(root, change)
    with pytest.raises(ValueError, match=expected):
        CocoDataset(**options(root))


def test_missing_images_are_counted_and_named(root):
    (root / 'images' / '000002.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 3 images are missing') as caught:
        CocoDataset(**options(root))
    assert str(root / 'images' / '000002.png') in str(caught.value)
    assert 'train_dataloader.dataset.data_prefix.img' in str(caught.value)


def test_missing_images_lists_folders_not_files(tmp_path):
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
    (tmp_path / 'a' / '1.png').touch()
    paths = [str(tmp_path / name) for name in ('b/1.png', 'a/2.png', 'a/1.png', 'c/1.png')]
    remote = ['s3://bucket/1.png']
    expected = [str(tmp_path / name) for name in ('a/2.png', 'b/1.png', 'c/1.png')]
    assert missing_images(paths + remote) == expected


def test_missing_boxes_fall_back_to_ground_truth_with_one_warning(root, mmengine_log):
    dataset = CocoDataset(**options(root, test_mode=True, bbox_file='absent.json'))
    loud = [r for r in mmengine_log.records if 'NO DETECTED BOXES' in r.getMessage()]
    assert len(loud) == 1
    assert loud[0].levelname == 'WARNING'
    assert 'absent.json' in loud[0].getMessage()
    assert dataset.metainfo['missing_bbox_file'] == 'absent.json'
    assert len(dataset) == 6


def test_boxes_that_are_there_leave_no_label(root, mmengine_log):
    for boxes in ('boxes.json', str(root / 'boxes.json')):
        dataset = CocoDataset(**options(root, test_mode=True, bbox_file=boxes))
        assert 'missing_bbox_file' not in dataset.metainfo
        np.testing.assert_allclose(dataset.get_data_info(0)['bbox_score'], 0.9)
    assert not [one for one in mmengine_log.records if one.levelname != 'INFO']


@pytest.mark.parametrize(
    ('boxes', 'expected'),
    [
        ('[{', r'box file .* is not JSON'),
        ('{}', r'should be a list, but is dict'),
        ('[]', r'box file .* has no person'),
        ('[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]', r'\[0\] lacks score'),
        (
            '[{"image_id": 9, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
            r'image_id 9 is not in the annotation file',
        ),
    ],
)
def test_broken_box_files_are_explained(root, boxes, expected):
    (root / 'boxes.json').write_text(boxes)
    with pytest.raises(ValueError, match=expected) as caught:
        CocoDataset(**options(root, test_mode=True, bbox_file='boxes.json'))
    assert str(root / 'boxes.json') in str(caught.value)


def change_boxes(root, change) -> None:
    """Apply ``change`` to the boxes in place and write them back."""
    content = json.loads((root / 'boxes.json').read_text())
    change(content)
    (root / 'boxes.json').write_text(json.dumps(content))


def to_corners(boxes: list[dict]) -> None:
    for box in boxes:
        x, y, w, h = box['bbox']
        box['bbox'] = [x, y, x + w, y + h]


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (
            lambda boxes: boxes[1]['bbox'].__setitem__(2, float('nan')),
            r'bbox or score of \[1\] \(image_id 1\) is not finite',
        ),
        (lambda boxes: boxes[4].update(score=float('nan')), r'score of \[4\] \(image_id 3\) is'),
        (to_corners, r'3 of 6 boxes end outside their images .* all fit inside as \[x1, y1'),
        (lambda boxes: [one.update(image_id='1') for one in boxes], "is '1', but .* has 1; a numb"),
    ],
)
def test_boxes_that_would_give_numbers_without_meaning_are_refused(root, change, expected):
    change_boxes(root, change)
    with pytest.raises(ValueError, match=expected) as caught:
        CocoDataset(**options(root, test_mode=True, bbox_file='boxes.json'))
    assert f'test_dataloader.dataset.bbox_file) `{root / "boxes.json"}`' in str(caught.value)


def test_annotated_boxes_that_are_corners_are_refused(root):
    rewrite(root, lambda content: to_corners(content['annotations']))
    with pytest.raises(ValueError, match=r'people.json`: 3 of 6 boxes end outsid'):
        CocoDataset(**options(root))


def test_boxes_that_are_left_out_are_counted(root, mmengine_log):
    def change(boxes):
        boxes[0]['image_id'], boxes[3]['bbox'][3], boxes[4]['category_id'] = 9, 0, 2

    change_boxes(root, change)
    dataset = CocoDataset(**options(root, test_mode=True, bbox_file='boxes.json'))
    assert len(dataset) == 3
    warning, summary = (record.getMessage() for record in mmengine_log.records[-2:])
    unknown = '1 of images that the annotation file does not list'
    assert f'cannot be used: {unknown} (first: image 9), 1 without area (first: image 2)' in warning
    assert summary.endswith(
        f'3 boxes in 3 of 3 images; left out: {unknown}, 1 without area, 1 of other categories'
    )


class TestLoadImage:
    def test_reads_a_picture(self, root):
        path = str(root / 'images' / '000001.png')
        results = LoadImage(to_float32=True).transform({'img_path': path, 'flag': 1})
        assert results['img'].dtype == np.float32
        assert results['img'].shape == (96, 96, 3)
        assert results['img_shape'] == results['ori_shape'] == (96, 96)
        assert results['flag'] == 1

    def test_uses_a_picture_it_is_given(self):
        picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
        results = LoadImage().transform({'img': picture})
        assert results['img'] is picture
        assert results['img_shape'] == (4, 4)

    @pytest.mark.parametrize(
        ('content', 'error', 'expected'),
        [
            (None, FileNotFoundError, 'cannot read image'),
            (b'', ValueError, 'is an empty file'),
            (b'hello world', ValueError, "is not an image .* begins with b'hello wo'"),
        ],
    )
    def test_names_the_file_it_cannot_read(self, tmp_path, content, error, expected):
        path = tmp_path / 'picture.jpg'
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(error, match=expected) as caught:
            LoadImage().transform({'img_path': str(path)})
        assert str(path) in str(caught.value)
        assert LoadImage(ignore_empty=True).transform({'img_path': str(path)}) is None

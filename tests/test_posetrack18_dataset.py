"""PoseTrack18's data set: MMPose's samples, the paper's boxes, tracks, and clear errors."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from mmpose.datasets.datasets.body import PoseTrack18Dataset as MMPosePoseTrack18Dataset
from mmpose.datasets.transforms import PackPoseInputs

from hrnet_ext.datasets.body import PoseTrack18Dataset
from hrnet_ext.formats.keypoint_box import keypoint_box
from tests.posetrack_cases import to_2017
from tests.posetrack_tree import NAMES, videos, write, write_tree

SAMPLE = Path(__file__).parents[2] / 'shared/data/posetrack18_sample'
ANNOTATIONS, BOXES, TRACKED = (
    f'annotations/{name}.json' for name in ('posetrack18_val', 'boxes', 'tracked_boxes')
)


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp('posetrack18')
    return root, write_tree(root)


@pytest.fixture
def root(tree):
    """The tree, its JSON files as they were."""
    folder, _ = tree
    before = {path: path.read_text() for path in folder.glob('annotations/*.json')}
    yield folder
    for path, text in before.items():
        path.write_text(text)


@pytest.fixture
def merged(tree):
    return copy.deepcopy(tree[1])


def build(root, cls=PoseTrack18Dataset, **changes):
    settings = {'ann_file': ANNOTATIONS, 'data_prefix': {'img': ''}, 'test_mode': True, **changes}
    return cls(data_root=str(root), **settings)


def equal(a: object, b: object) -> bool:
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b


def assert_same_samples(ours, theirs) -> None:
    assert len(ours) == len(theirs) > 0
    for index in range(len(theirs)):
        found, expected = ours.get_data_info(index), theirs.get_data_info(index)
        assert found.keys() - expected.keys() <= {'img_shape', 'category_id'}
        assert all(equal(found[key], expected[key]) for key in expected), index


class TestParity:
    def test_annotated_samples_are_mmposes(self, root, merged):
        for annotation in merged['annotations']:
            annotation['bbox'] = [90.0, 90.0, 50.0, 1020.0]
        write(root / ANNOTATIONS, merged)
        theirs = build(root, MMPosePoseTrack18Dataset)
        assert_same_samples(build(root, box_from='annotation'), theirs)

    def test_detected_samples_are_mmposes(self, root):
        theirs = build(root, MMPosePoseTrack18Dataset, bbox_file=str(root / BOXES))
        ours = build(root, bbox_file=BOXES)
        assert_same_samples(ours, theirs)
        few = build(root, bbox_file=BOXES, filter_cfg={'bbox_score_thr': 0.88})
        assert len(few) == 3 < len(ours) == 8

    @pytest.mark.skipif(not SAMPLE.is_dir(), reason='PoseTrack18 sample not there')
    def test_real_samples_are_mmposes(self):
        names = {
            'ann_file': 'annotations/test_posetrack18_val.json',
            'bbox_file': f'{SAMPLE}/annotations/test_posetrack18_human_detections.json',
        }
        assert_same_samples(
            build(SAMPLE, **names), build(SAMPLE, MMPosePoseTrack18Dataset, **names)
        )
        del names['bbox_file']
        theirs = build(SAMPLE, MMPosePoseTrack18Dataset, **names)
        assert_same_samples(build(SAMPLE, box_from='annotation', **names), theirs)

    def test_metainfo_is_mmposes_but_for_the_colors(self):
        expected = MMPosePoseTrack18Dataset(lazy_init=True).metainfo
        found = PoseTrack18Dataset(lazy_init=True).metainfo
        differing = {key for key in expected if not equal(found[key], expected[key])}
        assert found.keys() - expected.keys() <= {'img_shape', 'category_id'}
        assert differing == {'keypoint_colors', 'skeleton_link_colors'}


class TestBoxes:
    @pytest.mark.parametrize(
        ('points', 'head', 'expected'),
        [
            # A tenth of 100 and of 200 pixels wide and high: 7.5 % at each side.
            ([(0, 0, 1), (100, 200, 1)], None, [-7.5, -15, 115, 230]),
            # What is not labeled does not count, wherever it is.
            ([(0, 0, 1), (100, 200, 1), (900, 900, 0)], None, [-7.5, -15, 115, 230]),
            # The nose alone: as large as the head, 20 x 40.
            ([(50, 60, 1)], [40, 40, 20, 40], [27, 37, 46, 46]),
            ([(50, 60, 1)], None, None),
            # On a vertical line: a pixel wide.
            ([(50, 0, 1), (50, 100, 1)], [40, 40, 20, 40], [49.425, -7.5, 1.15, 115]),
            ([(50, 60, 0)], [40, 40, 20, 40], None),
        ],
    )
    def test_they_are_around_the_keypoints(self, points, head, expected):
        assert keypoint_box(np.array(points, float), head) == (
            None if expected is None else pytest.approx(expected)
        )

    def test_samples_have_the_papers_and_keep_the_annotation(self, root, merged):
        annotation = merged['annotations'][0]
        annotation['bbox'] = [1, 2, 3, 4]
        write(root / ANNOTATIONS, merged)
        info = build(root).get_data_info(0)
        # Keypoints from (105, 100) to (105, 1060); 7.5 % of 960 pixels are 72.
        np.testing.assert_allclose(info['bbox'], [[104.425, 28, 105.575, 1132]], rtol=1e-6)
        assert {key: info['raw_ann_info'][key] for key in annotation} == annotation

    def test_they_end_with_the_image(self, root, merged):
        merged['annotations'][0]['keypoints'][:3] = [-30, 5, 1]
        write(root / ANNOTATIONS, merged)
        assert build(root).get_data_info(0)['bbox'][0, :2].tolist() == [0, 0]

    def test_without_labeled_keypoints_there_is_no_sample(self, root, merged):
        merged['annotations'][0]['keypoints'] = [0] * 51
        write(root / ANNOTATIONS, merged)
        assert len(build(root)) == 7

    def test_an_unknown_source_is_refused(self, root):
        with pytest.raises(ValueError, match=r"box_from should be one of .* but is 'head'"):
            build(root, box_from='head')

    def test_annotated_boxes_far_outside_are_counted(self, root, merged, mmengine_log):
        for annotation in merged['annotations']:
            annotation['bbox'] = [90.0, 90.0, 50.0, 1020.0]
        merged['annotations'][1]['bbox'] = [-5e5, 90, 1e6, 90]
        merged['annotations'][2]['bbox'] = [-300, 90, 1000, 90]
        write(root / ANNOTATIONS, merged)
        theirs = build(root, MMPosePoseTrack18Dataset)
        assert_same_samples(build(root, box_from='annotation'), theirs)
        said = [record.getMessage() for record in mmengine_log.records]
        number = merged['annotations'][1]['id']
        expected = (
            f'1 of 8, the first is that of annotation {number}, [-500000.0, 90.0, 1000000.0, 90.0]'
        )
        (warning,) = (one for one in said if 'boxes far outside of their images' in one)
        assert expected in warning

    def test_one_line_says_who_was_kept(self, root, merged, mmengine_log):
        merged['annotations'][1].update(keypoints=[0] * 51)
        write(root / ANNOTATIONS, merged)
        build(root)
        (said,) = (r.getMessage() for r in mmengine_log.records if ' people' in r.getMessage())
        assert said.endswith('4 images, 7 people; left out: 1 without labeled keypoints')


class TestTracks:
    @pytest.mark.parametrize(
        ('boxes', 'source', 'ids'),
        [(None, 'annotations', [0, 1]), (BOXES, None, None), (TRACKED, 'boxes', [7, 8])],
    )
    def test_they_reach_the_packed_sample(self, root, boxes, source, ids):
        dataset = build(root, bbox_file=boxes)
        assert dataset.metainfo['tracks'] == source
        assert dataset.metainfo['ann_file'] == str(root / ANNOTATIONS)
        packed = []
        for index in (0, 1):
            info = {**dataset.get_data_info(index), 'img': np.zeros((8, 8, 3), np.uint8)}
            packed.append(PackPoseInputs().transform(info)['data_samples'].to_dict())
        found = [sample.get('raw_ann_info', {}).get('track_id') for sample in packed]
        assert found == (ids or [None, None])

    def test_one_box_without_spoils_them(self, root, merged):
        boxes = json.loads((root / TRACKED).read_text())
        del boxes[3]['track_id']
        write(root / TRACKED, boxes)
        assert build(root, bbox_file=TRACKED).metainfo['tracks'] is None

    def test_training_does_not_announce_them(self, root):
        """Metainfo of several training sets must be equal to be concatenated."""
        assert not {'tracks', 'ann_file'} & set(build(root, test_mode=False).metainfo)

    @pytest.mark.parametrize(
        ('change', 'expected'),
        [
            ({'track_id': 7}, r'\[1\] has the track_id 7 that \[0\] of the same image 1000001'),
            ({'track_id': 1.5}, r'\[1\]: track_id should be a whole number, but is 1.5'),
        ],
    )
    def test_unsound_ids_are_explained(self, root, change, expected):
        boxes = json.loads((root / TRACKED).read_text())
        boxes[1].update(change)
        write(root / TRACKED, boxes)
        with pytest.raises(ValueError, match=expected):
            build(root, bbox_file=TRACKED)


def drop_size(content: dict) -> None:
    del content['images'][1]['height']


def drop_three_keypoints(content: dict) -> None:
    content['annotations'][1]['keypoints'] = content['annotations'][1]['keypoints'][:42]


def lose_coordinate(content: dict) -> None:
    content['annotations'][1]['keypoints'][1] = float('nan')


def swap_names(content: dict) -> None:
    names = content['categories'][0]['keypoints']
    names[5], names[6] = names[6], names[5]


def use_cocos_names(content: dict) -> None:
    content['categories'][0]['keypoints'][1:3] = ['left_eye', 'right_eye']


def forget_people(content: dict) -> None:
    content['annotations'] = []


class TestErrors:
    @pytest.mark.parametrize(
        ('change', 'expected'),
        [
            (drop_size, r'images\[1\] has no height.*convert_posetrack.py merge'),
            (drop_three_keypoints, r'has 42 keypoint values, but 17 keypoints need 51'),
            (lose_coordinate, r'keypoints of annotation \d+ are not all finite'),
            (swap_names, r"in another order: number 5 is 'right_shoulder'; correct"),
            (use_cocos_names, r"but are others: \['nose', 'left_eye'"),
            (forget_people, r'has no person with a labeled keypoint; frames of a test split'),
        ],
    )
    def test_what_is_wrong_with_the_annotations_is_named(self, root, merged, change, expected):
        change(merged)
        write(root / ANNOTATIONS, merged)
        with pytest.raises(ValueError, match=expected) as caught:
            build(root)
        assert str(root / ANNOTATIONS) in str(caught.value)
        assert 'val_dataloader.dataset.ann_file' in str(caught.value)

    @pytest.mark.parametrize(
        ('content', 'expected'),
        [
            (videos()[NAMES[0]], r'images\[0\] has no height and width; .*one per video'),
            (to_2017(videos()[NAMES[0]]), r'layout of PoseTrack17 .annolist.; merge'),
            ([], r'holds a list.*bbox_file'),
        ],
        ids=['one video', 'PoseTrack17', 'detections'],
    )
    def test_another_file_is_recognized(self, root, content, expected):
        write(root / ANNOTATIONS, content)
        with pytest.raises(ValueError, match=expected):
            build(root)

    def test_a_missing_file_comes_with_the_way_to_it(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r'does not exist: get PoseTrack18.*merge'):
            build(tmp_path)

    def test_missing_frames_are_named(self, root, merged):
        merged['images'][0]['file_name'] = f'images/val/{NAMES[0]}/000009.jpg'
        write(root / ANNOTATIONS, merged)
        with pytest.raises(FileNotFoundError, match=r'1 of 4 images are missing.*000009.jpg'):
            build(root)

    def test_missing_boxes_fall_back_to_ground_truth(self, root, mmengine_log):
        dataset = build(root, bbox_file='absent.json', filter_cfg={'bbox_score_thr': 0.4})
        assert dataset.metainfo['missing_bbox_file'] == 'absent.json'
        assert dataset.metainfo['tracks'] == 'annotations'
        assert len(dataset) == 8
        loud = [r.getMessage() for r in mmengine_log.records if 'NO DETECTED' in r.getMessage()]
        assert len(loud) == 1

    @pytest.mark.parametrize(
        ('change', 'expected'),
        [
            ({'bbox': [1, 2, float('nan'), 4]}, r'bbox or score of .* is not finite'),
            ({'score': float('nan')}, r'bbox or score of .* is not finite'),
            ({'bbox': [1, 2, 3]}, r'\[1\].bbox should be \[x, y, w, h\], but is \[1, 2, 3\]'),
        ],
    )
    def test_broken_boxes_are_named(self, root, change, expected):
        boxes = json.loads((root / BOXES).read_text())
        boxes[1].update(change)
        write(root / BOXES, boxes)
        with pytest.raises(ValueError, match=expected):
            build(root, bbox_file=BOXES)

    def test_a_filter_that_leaves_nobody_is_named(self, root):
        with pytest.raises(
            ValueError,
            match=r'none of the 8 boxes .*filter_cfg .*0\.95.*their highest score is 0\.9$',
        ):
            build(root, bbox_file=BOXES, filter_cfg={'bbox_score_thr': 0.95})

"""The PoseTrack metric: MMPose's predictions, tracks, labels, files, and early errors."""

import copy
import json
import time
from pathlib import Path

import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.evaluation.metrics import posetrack18_metric
from mmpose.registry import METRICS

from hrnet_ext.conversion.posetrack_merge import merge_sequences
from hrnet_ext.datasets.body import PoseTrack18Dataset
from hrnet_ext.datasets.body.posetrack18_keypoints import posetrack18_metainfo
from hrnet_ext.evaluation.metrics import PoseTrackMetric
from hrnet_ext.evaluation.posetrack import GROUPS
from tests.posetrack_cases import to_2017, twenty_videos
from tests.posetrack_tree import NAMES, videos, write, write_tree

SAMPLE = Path(__file__).parents[2] / 'shared/data/posetrack18_sample'
ANN = 'annotations/posetrack18_val.json'
APS = ('AP', *(f'{group} AP' for group in GROUPS))
TRACKING = ('MOTA', 'MOTP', 'Precision', 'Recall')


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp('posetrack18')
    return root, write_tree(root)


@pytest.fixture
def root(tree):
    return tree[0]


@pytest.fixture
def merged(tree):
    return copy.deepcopy(tree[1])


def metainfo(**changes) -> dict:
    return {**parse_pose_metainfo(posetrack18_metainfo()), **changes}


def samples(merged: dict, *, tracks: bool = False, shift: float = 0.0) -> list[dict]:
    """The annotated people as data samples of predictions, no two scores equal."""
    made = []
    rng = np.random.default_rng(0)
    for index, annotation in enumerate(merged['annotations']):
        triples = np.reshape(annotation['keypoints'], (1, 17, 3))
        scores = rng.uniform(0.5, 1, (1, 17)) * (triples != 0).any(axis=2)
        made.append(
            {
                'id': index,
                'img_id': annotation['image_id'],
                'raw_ann_info': {'track_id': annotation['track_id']} if tracks else {},
                'pred_instances': {
                    'keypoints': (triples[..., :2] + shift).astype(np.float32),
                    'keypoint_scores': scores.astype(np.float32),
                },
                'gt_instances': {
                    'bbox_scores': np.array([0.9 - index / 20]),
                    'bbox_scales': np.array([[150.0, 1200.0]]),
                },
            }
        )
    return made


def evaluate(metric, found: list[dict], **changes) -> dict:
    metric.dataset_meta = metainfo(**changes)
    metric.process([], found)
    return metric.evaluate(len(found))


def short(values: dict) -> dict:
    return {key.removeprefix('posetrack18/'): value for key, value in values.items()}


class TestValues:
    @pytest.mark.parametrize('ann_file', [ANN, 'annotations/val'])
    def test_ground_truth_given_back_is_perfect(self, root, merged, ann_file):
        values = evaluate(PoseTrackMetric(str(root / ann_file)), samples(merged, tracks=True))
        assert values == {f'posetrack18/{name}': 100 for name in (*APS, *TRACKING)}

    @pytest.mark.skipif(not SAMPLE.is_dir(), reason='PoseTrack18 sample not there')
    @pytest.mark.parametrize('name', ['test_posetrack18_val.json', 'val'])
    def test_so_is_the_real_one(self, name):
        merged = json.loads((SAMPLE / 'annotations/test_posetrack18_val.json').read_text())
        metric = PoseTrackMetric(str(SAMPLE / 'annotations' / name))
        values = evaluate(metric, samples(merged))
        assert values == {f'posetrack18/{name}': pytest.approx(100) for name in APS}

    def test_so_it_is_through_the_data_set(self, root):
        dataset = PoseTrack18Dataset(
            data_root=str(root), ann_file=ANN, data_prefix={'img': ''}, test_mode=True
        )
        metric = METRICS.build({'type': 'hrnet_ext.PoseTrackMetric'})
        metric.dataset_meta = dataset.metainfo
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            info['pred_instances'] = {
                'keypoints': info['keypoints'],
                'keypoint_scores': np.full((1, 17), 1 - index / 100),
            }
            metric.process([], [info])
        values = short(metric.evaluate(len(dataset)))
        assert values == {**dict.fromkeys((*APS, *TRACKING), 100), 'ground_truth_tracks': 1}
        assert metric.names == (*APS, *TRACKING)

    def test_values_are_the_announced_ones(self, root, merged):
        metric = PoseTrackMetric(str(root / ANN))
        values = short(evaluate(metric, samples(merged)))
        assert tuple(values) == metric.names == PoseTrackMetric.names == APS

    def test_keypoints_far_off_score_nothing(self, root, merged):
        assert (
            evaluate(PoseTrackMetric(str(root / ANN)), samples(merged, shift=40))['posetrack18/AP']
            == 0
        )

    def test_nobody_predicted_scores_nothing(self, root):
        metric = PoseTrackMetric(str(root / ANN))
        metric.dataset_meta = metainfo()
        assert metric.compute_metrics([])['AP'] == 0

    def test_what_two_processes_saw_counts_once(self, root, merged):
        found = samples(merged, tracks=True)
        metric = PoseTrackMetric(str(root / ANN), nms_mode='none')
        assert evaluate(metric, found + found[:3])['posetrack18/Precision'] == 100

    def test_strictness_is_handed_on(self, root, merged):
        found = samples(merged, tracks=True)[1:]  # in poseval the last frames do not count
        values = [
            evaluate(PoseTrackMetric(str(root / ANN), strict_poseval=strict), found)
            for strict in (True, False)
        ]
        assert [value['posetrack18/Recall'] for value in values] == [75, 87.5]


def predictions(folder) -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in folder.glob('*.json')}


class TestParity:
    """What poseval would be given; that we count as it does is proved elsewhere."""

    @pytest.mark.parametrize(
        'settings',
        [
            {},
            {'nms_mode': 'none'},
            {'nms_mode': 'soft_oks_nms'},
            {'nms_thr': 0.3, 'score_mode': 'bbox'},
            {'score_mode': 'bbox_rle'},
            {'keypoint_score_thr': 0.8},
        ],
    )
    def test_predictions_are_mmposes(self, root, merged, tmp_path, monkeypatch, settings):
        found = samples(merged)
        doubled = samples(merged, shift=3)
        for index, sample in enumerate(doubled):
            sample['id'] = len(found) + index
            sample['gt_instances']['bbox_scores'] = np.array([0.4 + index / 50])
        monkeypatch.setattr(posetrack18_metric, 'has_poseval', True)
        files = {}
        for name, cls in (
            ('theirs', posetrack18_metric.PoseTrack18Metric),
            ('ours', PoseTrackMetric),
        ):
            (tmp_path / name).mkdir()
            prefix = tmp_path / name if name == 'ours' else tmp_path / name / 'x'
            metric = cls(
                ann_file=str(root / ANN),
                outfile_prefix=str(prefix),
                format_only=True,
                **copy.deepcopy(settings),
            )
            evaluate(metric, found + doubled)
            files[name] = predictions(tmp_path / name)
        assert files['ours'].keys() == files['theirs'].keys() == set(NAMES)
        for name in NAMES:
            ours, theirs = files['ours'][name], files['theirs'][name]
            assert ours['images'] == theirs['images']
            assert ours['categories'][0]['keypoints'] == theirs['categories'][0]['keypoints']
            assert len(ours['annotations']) == len(theirs['annotations'])
            for one, other in zip(ours['annotations'], theirs['annotations']):
                assert one['score'] == pytest.approx(other['score'], rel=1e-6)
                assert {key: one[key] for key in ('image_id', 'keypoints', 'scores')} == {
                    key: other[key] for key in ('image_id', 'keypoints', 'scores')
                }


class TestPart:
    def test_the_images_asked_for_are_evaluated(self, root, merged, mmengine_log):
        found = samples(merged, tracks=True)
        whole = evaluate(PoseTrackMetric(str(root / ANN), strict_poseval=False), found)
        asked = found[0]['img_id'], found[2]['img_id']
        part = [one for one in found if one['img_id'] in asked]
        metric = PoseTrackMetric(str(root / ANN), strict_poseval=False)
        assert evaluate(metric, part, image_ids=list(asked)) == whole
        said = [record.getMessage() for record in mmengine_log.records]
        assert any('evaluated on 2 of 6 images, those that the data set selects' in s for s in said)
        assert any(f'PoseTrack18, {2} frames of 1 sequences' in s for s in said)
        unasked = evaluate(PoseTrackMetric(str(root / ANN), strict_poseval=False), part)
        assert short(unasked)['AP'] < 100


class TestSelection:
    def people(self, root, merged, tmp_path, **settings) -> list[dict]:
        prefix = tmp_path / 'found'
        metric = PoseTrackMetric(str(root / ANN), outfile_prefix=str(prefix), **settings)
        evaluate(metric, samples(merged))
        return [one for each in predictions(prefix).values() for one in each['annotations']]

    def test_weak_boxes_are_left_out(self, root, merged, tmp_path):
        assert len(self.people(root, merged, tmp_path)) == 8
        assert len(self.people(root, merged, tmp_path, min_box_score=0.78)) == 3
        assert not self.people(root, merged, tmp_path, min_box_score=0.95)

    def test_weak_keypoints_are_left_out(self, root, merged, tmp_path):
        people = self.people(root, merged, tmp_path, min_keypoint_score=0.75)
        triples = np.array([one['keypoints'] for one in people]).reshape(-1, 17, 3)
        absent = (triples == 0).all(axis=2)
        assert 0 < absent.sum() < absent.size
        assert (triples[..., 2][~absent] >= 0.75).all()
        assert (np.array([one['scores'] for one in people])[absent] == 0).all()
        assert not self.people(root, merged, tmp_path, min_keypoint_score=1.1)

    def test_keypoints_rank_by_their_box_too_if_asked(self, root, merged, tmp_path):
        plain = self.people(root, merged, tmp_path)
        rescored = self.people(root, merged, tmp_path, rescore=True)
        for one, other in zip(plain, rescored):
            assert one['keypoints'] == other['keypoints']
            factor = other['scores'][0] / one['scores'][0]
            assert other['scores'] == pytest.approx([factor * score for score in one['scores']])
            assert 0.5 < factor < 1

    @pytest.mark.parametrize('setting', ['score_mode', 'nms_mode'])
    def test_unknown_modes_are_refused(self, setting):
        with pytest.raises(ValueError, match=f"{setting}. should be one of .* but is 'best'"):
            PoseTrackMetric(**{setting: 'best'})


class TestTracks:
    def test_predictions_own_ids_come_first(self, root, merged):
        found = samples(merged, tracks=True)
        for index, sample in enumerate(found):
            sample['pred_instances']['track_ids'] = np.array([index])  # a new one in each frame
        values = short(evaluate(PoseTrackMetric(str(root / ANN)), found, tracks='annotations'))
        assert values['MOTA'] == 100  # one frame of each video counts
        assert 'ground_truth_tracks' not in values
        by_definition = PoseTrackMetric(str(root / ANN), strict_poseval=False)
        assert short(evaluate(by_definition, found))['MOTA'] == 50

    def test_without_one_there_is_ap_alone(self, root, merged, mmengine_log):
        found = samples(merged, tracks=True)
        found[3]['raw_ann_info'] = {}
        values = short(evaluate(PoseTrackMetric(str(root / ANN)), found))
        assert tuple(values) == APS
        assert '1 of 8 predictions have no track id' in mmengine_log.text

    def test_without_annotated_ones_there_is_ap_alone(self, merged, tmp_path):
        found = samples(merged, tracks=True)
        for annotation in merged['annotations']:
            del annotation['track_id']
        write(tmp_path / 'untracked.json', merged)
        metric = PoseTrackMetric(str(tmp_path / 'untracked.json'))
        assert tuple(short(evaluate(metric, found, tracks='boxes'))) == APS
        assert metric.names == APS

    def test_those_of_the_annotations_are_labeled(self, root, merged, mmengine_log):
        metric = PoseTrackMetric(str(root / ANN))
        values = short(evaluate(metric, samples(merged, tracks=True), tracks='annotations'))
        assert values['ground_truth_tracks'] == 1
        assert 'TRACKS OF THE GROUND TRUTH' in mmengine_log.text


def test_ground_truth_boxes_for_want_of_others_are_labeled(root, merged, mmengine_log):
    metric = PoseTrackMetric(str(root / ANN))
    values = short(evaluate(metric, samples(merged), missing_bbox_file='absent.json'))
    assert values['ground_truth_boxes'] == 1
    assert 'GROUND-TRUTH BOXES, because `absent.json`' in mmengine_log.text


def test_the_table_is_logged_with_how_much_it_is_of(root, merged, mmengine_log):
    evaluate(PoseTrackMetric(str(root / ANN)), samples(merged)[:-2])
    assert '4 frames of 2 sequences (1 without a prediction), in %' in mmengine_log.text
    assert 'Shoulder' in mmengine_log.text


class TestFiles:
    def test_predictions_and_values_are_written(self, root, merged, tmp_path):
        metric = PoseTrackMetric(str(root / ANN), outfile_prefix=str(tmp_path / 'a/b'))
        values = short(evaluate(metric, samples(merged, tracks=True)))
        assert sorted(path.name for path in (tmp_path / 'a').iterdir()) == ['b', 'b.metrics.json']
        written = json.loads((tmp_path / 'a/b.metrics.json').read_text())
        assert {name: written[name] for name in ('AP', *TRACKING)} == {
            name: values[name] for name in ('AP', *TRACKING)
        }
        assert written['per_keypoint']['AP']['nose'] == 100
        found = predictions(tmp_path / 'a/b')
        assert [len(each['images']) for each in found.values()] == [3, 3]
        assert found[NAMES[0]]['annotations'][0]['track_id'] in (0, 1)

    def test_earlier_predictions_give_way_and_nothing_else(self, root, merged, tmp_path):
        prefix = tmp_path / 'b'
        for _ in range(2):
            metric = PoseTrackMetric(str(root / ANN), outfile_prefix=str(prefix))
            evaluate(metric, samples(merged))
        assert sorted(predictions(prefix)) == list(NAMES)
        write(prefix / 'notes.json', {'info': 'of mine'})
        with pytest.raises(
            ValueError, match=r'contains `notes.json`, which .* choose another name'
        ):
            PoseTrackMetric(outfile_prefix=str(prefix))

    def test_mmposes_names_and_places_if_asked(self, root, merged, tmp_path):
        options = {'as_mmpose': True, 'outfile_prefix': str(tmp_path / 'a/b')}
        for _ in range(2):
            metric = PoseTrackMetric(str(root / ANN), **options)
            values = evaluate(metric, samples(merged))
        names = ['Head', 'Shou', 'Elb', 'Wri', 'Hip', 'Knee', 'Ankl']
        assert {f'posetrack18/{name} AP' for name in names} < set(values)
        assert set(values) == {f'posetrack18/{name}' for name in metric.names}
        files = sorted(path.name for path in (tmp_path / 'a').iterdir())
        assert files == sorted(['b.metrics.json', *(f'{name}.json' for name in NAMES)])
        write(tmp_path / 'a' / f'{NAMES[1]}.json', {'info': 'of mine'})
        with pytest.raises(
            ValueError, match=f'{NAMES[1]}.json` exists and is not an earlier prediction'
        ):
            evaluate(PoseTrackMetric(str(root / ANN), **options), samples(merged))

    def test_the_ground_truths_folder_is_safe(self, root):
        with pytest.raises(ValueError, match=f'contains `{NAMES[0]}.json`'):
            PoseTrackMetric(outfile_prefix=str(root / 'annotations/val'))

    def test_formatting_alone_needs_no_annotations(self, merged, tmp_path):
        found = samples(merged)
        write(tmp_path / 'test.json', {**merged, 'annotations': []})
        options = {'ann_file': str(tmp_path / 'test.json'), 'format_only': True}
        metric = PoseTrackMetric(**options, outfile_prefix=str(tmp_path / 'found'))
        assert evaluate(metric, found) == {}
        assert sorted(predictions(tmp_path / 'found')) == list(NAMES)
        with pytest.raises(ValueError, match='so it needs outfile_prefix'):
            PoseTrackMetric(**options)

    def test_what_has_no_value_is_null_in_json(self, merged, tmp_path):
        one_frame = {**merged, 'annotations': merged['annotations'][:2]}
        write(tmp_path / 'one.json', one_frame)
        metric = PoseTrackMetric(str(tmp_path / 'one.json'), outfile_prefix=str(tmp_path / 'x'))
        evaluate(metric, samples(one_frame, tracks=True))
        text = (tmp_path / 'x.metrics.json').read_text()
        assert json.loads(text)['MOTA'] is None
        assert 'NaN' not in text


def no_head_box(content: dict) -> None:
    del content['annotations'][3]['bbox_head']


def two_points(content: dict) -> None:
    content['images'][1].update(ignore_regions_x=[[1, 2]], ignore_regions_y=[[1, 2]])


def not_a_number(content: dict) -> None:
    content['annotations'][3]['keypoints'][0] = float('nan')


def fourteen(content: dict) -> None:
    content['annotations'][3]['keypoints'] = content['annotations'][3]['keypoints'][:42]


def same_track(content: dict) -> None:
    content['annotations'][3]['track_id'] = content['annotations'][2]['track_id']


def some_tracks(content: dict) -> None:
    for annotation in content['annotations'][:2]:
        del annotation['track_id']


def nobody(content: dict) -> None:
    content['annotations'] = []


def no_ids(content: dict) -> None:
    del content['images'][1]['id']


class TestGroundTruthIsCheckedBeforeTheFirstEpoch:
    @pytest.mark.parametrize(
        ('change', 'expected'),
        [
            (
                no_head_box,
                "'000001_mpii_test', ground truth: .*000001.jpg', person 1 has no bbox_h",
            ),
            (two_points, "000001.jpg': ignore region 0 is a polygon of 2 points"),
            (not_a_number, "000001.jpg', person 1: position of 'nose' is .nan"),
            (fourteen, "000001.jpg', person 1 has 42 keypoint values, which are 14 keypoints"),
            (same_track, "000001.jpg': 2 persons have track_id 0"),
            (some_tracks, '3 of 4 annotated frames have track ids, the others none'),
            (nobody, r'no person is annotated in its 2 sequences; .*format_only=True'),
            (no_ids, r"images\[1\] has no 'id'"),
        ],
    )
    def test_what_is_wrong_is_named(self, merged, tmp_path, change, expected):
        change(merged)
        write(tmp_path / 'broken.json', merged)
        with pytest.raises(ValueError, match=expected) as caught:
            PoseTrackMetric(str(tmp_path / 'broken.json')).dataset_meta = metainfo()
        assert str(tmp_path / 'broken.json') in str(caught.value)
        assert 'val_evaluator.ann_file' in str(caught.value)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r'val_evaluator.ann_file.* does not exist'):
            PoseTrackMetric(str(tmp_path / 'absent.json')).dataset_meta = metainfo()

    @pytest.mark.parametrize(
        ('content', 'expected'),
        [
            ([1], "has no 'images' .it is or contains list"),
            ({'people': []}, "has no 'images' .it is or contains .'people'"),
        ],
    )
    def test_what_is_no_posetrack_file(self, tmp_path, content, expected):
        write(tmp_path / 'other.json', content)
        with pytest.raises(ValueError, match=expected):
            PoseTrackMetric(str(tmp_path / 'other.json')).dataset_meta = metainfo()

    def test_folders_of_posetrack17_or_of_nothing(self, tmp_path):
        with pytest.raises(
            ValueError, match=r'has no \.json file; use the folder with the files of the videos'
        ):
            PoseTrackMetric(str(tmp_path)).dataset_meta = metainfo()
        for name, content in videos().items():
            write(tmp_path / f'{name}.json', to_2017(content))
        with pytest.raises(ValueError, match=r'layout of PoseTrack17 .*convert_posetrack.py merge'):
            PoseTrackMetric(str(tmp_path)).dataset_meta = metainfo()

    def test_unknown_ground_truth(self):
        with pytest.raises(ValueError, match=r'set val_evaluator\.ann_file and test_evaluator'):
            PoseTrackMetric().dataset_meta = metainfo(dataset_name='unheard-of')

    def test_keypoints_of_another_data_set(self, root):
        from hrnet_ext.datasets.body.coco_keypoints import coco_metainfo

        with pytest.raises(ValueError, match=r'lacks head_bottom, head_top; use hrnet_ext\.P'):
            PoseTrackMetric(str(root / ANN)).dataset_meta = parse_pose_metainfo(coco_metainfo())


class TestPredictionsAreCheckedAtOnce:
    def test_of_another_data_set(self, root, merged):
        found = samples(merged)
        found[0]['img_id'] = 5
        with pytest.raises(
            ValueError, match='image 5 has predictions, but is not in the ground truth'
        ):
            evaluate(PoseTrackMetric(str(root / ANN)), found)

    def test_one_that_is_not_finite_is_left_out_and_named(self, root, merged, mmengine_log):
        found = samples(merged, tracks=True)
        without = evaluate(PoseTrackMetric(str(root / ANN)), found[1:])
        found[0]['pred_instances']['keypoints'][0, 0, 0] = np.nan
        assert evaluate(PoseTrackMetric(str(root / ANN)), found) == without
        said = f'the first in image {found[0]["img_id"]}, person {found[0]["id"]};'
        assert any(said in record.getMessage() for record in mmengine_log.records)

    def test_not_finite_at_all(self, root, merged):
        found = samples(merged)
        for sample in found:
            sample['pred_instances']['keypoints'][0, 0, 0] = np.nan
        with pytest.raises(ValueError, match=r'not finite .*; has training diverged'):
            evaluate(PoseTrackMetric(str(root / ANN)), found)


@pytest.mark.slow
def test_twenty_videos_are_evaluated_within_twenty_seconds(tmp_path):
    """20 x 100 frames, 5 people each: reading the ground truth, suppression, evaluation."""
    gt, pred = twenty_videos()
    sizes = dict.fromkeys(gt, (1920, 1080))
    write(tmp_path / 'gt.json', merge_sequences(gt, sizes))
    found = samples(merge_sequences(pred, sizes), tracks=True)
    start = time.process_time()
    values = evaluate(PoseTrackMetric(str(tmp_path / 'gt.json')), found, tracks='boxes')
    seconds = time.process_time() - start
    print(f'{seconds:.2f} s, {values}')
    assert 'posetrack18/MOTA' in values
    assert seconds < 20

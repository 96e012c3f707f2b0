"""PCKh from data samples: MMPose's and the official numbers, and every refusal in time."""

import json

import numpy as np
import pytest
from mmpose.evaluation.metrics import MpiiPCKAccuracy

from hrnet_ext.datasets.body import MpiiDataset
from hrnet_ext.evaluation.metrics import MpiiMetric
from hrnet_ext.evaluation.pckh import MPII_KEYPOINTS, head_segments
from hrnet_ext.registry import METRICS
from tests.mpii_cases import write_mpii

META = {'dataset_name': 'mpii', 'has_head_boxes': True, 'has_keypoints': True}
MMPOSE_NAMES = {
    'PCKh@0.5': 'PCK',
    'PCKh@0.1': 'PCK@0.1',
    **{
        group: f'{group} PCK'
        for group in ('Head', 'Shoulder', 'Elbow', 'Wrist', 'Hip', 'Knee', 'Ankle')
    },
}
OFFICIAL_NUMBERS = {  # of the joints in the release's files
    'Head': [9],
    'Shoulder': [13, 12],
    'Elbow': [14, 11],
    'Wrist': [15, 10],
    'Hip': [3, 2],
    'Knee': [4, 1],
    'Ankle': [5, 0],
}


def samples(seed: int, num: int = 40) -> list[dict]:
    """Data samples of generated people, as an evaluator hands them to a metric."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(num):
        gt = rng.uniform(0, 400, (1, 16, 2)).astype(np.float32)
        spread = rng.uniform(1, 25, (1, 16, 1))
        found.append(
            {
                'id': index,
                'raw_ann_info': {'id': index, 'image': f'{index // 2}.jpg', 'rectangle': index % 2},
                'pred_instances': {
                    'keypoints': gt + rng.normal(0, spread, gt.shape).astype(np.float32),
                    'keypoint_scores': rng.uniform(0, 1, (1, 16)).astype(np.float32),
                },
                'gt_instances': {
                    'keypoints': gt,
                    'keypoints_visible': (rng.uniform(size=(1, 16)) < 0.8).astype(int),
                    'head_size': rng.uniform(12, 60, (1, 1)),
                },
            }
        )
    return found


def evaluate(people: list[dict], meta: dict = META, **options) -> dict:
    metric = MpiiMetric(**options)
    metric.dataset_meta = meta
    metric.process([], people)
    return metric.evaluate(len(people))


def official(people: list[dict]) -> dict[str, float]:
    """The official definition, person by person and joint by joint, on 1-based pixels."""
    right = {threshold: [0] * 16 for threshold in (0.5, 0.1, 0.11)}
    count = [0] * 16
    for sample in people:
        truth, found = sample['gt_instances'], sample['pred_instances']['keypoints'][0] + 1.0
        for joint in range(16):
            if not truth['keypoints_visible'][0][joint]:
                continue
            count[joint] += 1
            dx, dy = np.float64(found[joint]) - np.float64(truth['keypoints'][0][joint] + 1)
            error = (dx * dx + dy * dy) ** 0.5 / float(truth['head_size'][0, 0])
            for threshold in right:
                right[threshold][joint] += error <= threshold
    mean = {}
    for threshold, hits in right.items():
        weights = [0 if joint in (6, 7) else count[joint] for joint in range(16)]
        shares = [100 * hits[joint] / count[joint] for joint in range(16)]
        mean[threshold] = sum(w * s for w, s in zip(weights, shares)) / sum(weights)
    rows = {
        name: sum(100 * right[0.5][j] / count[j] for j in joints) / len(joints)
        for name, joints in OFFICIAL_NUMBERS.items()
    }
    means = {'PCKh@0.5': 0.5, 'PCKh@0.1': 0.1, 'PCKh@0.11 (official @0.1)': 0.11}
    return {**{name: mean[threshold] for name, threshold in means.items()}, **rows}


@pytest.mark.parametrize('seed', range(4))
def test_values_are_the_official_ones(seed):
    people = samples(seed)
    found = evaluate(people)
    expected = {f'mpii/{name}': value for name, value in official(people).items()}
    assert list(found) == list(expected) == [f'mpii/{name}' for name in MpiiMetric.names]
    assert found == pytest.approx(expected, abs=1e-9)
    assert 1 < found['mpii/PCKh@0.1'] < found['mpii/PCKh@0.11 (official @0.1)'] < 60


@pytest.mark.parametrize('seed', range(4))
def test_values_are_mmposes(seed):
    """Given 1-based ground truth, which its metric expects."""
    people = samples(seed)
    found = evaluate(people)
    for sample in people:
        truth = sample['gt_instances']
        sample['gt_instances'] = {**truth, 'keypoints': truth['keypoints'] + 1}
    theirs = MpiiPCKAccuracy(prefix='mpii')
    theirs.dataset_meta = {}
    theirs.process([], people)
    expected = theirs.evaluate(len(people))
    for ours, name in MMPOSE_NAMES.items():
        assert found[f'mpii/{ours}'] == pytest.approx(expected[f'mpii/{name}'], abs=1e-4), name


def test_the_threshold_itself_counts_as_officially_but_not_in_mmpose():
    person = samples(0, num=1)[0]
    person['gt_instances']['head_size'] = np.array([[30.0]])
    person['gt_instances']['keypoints'] = np.zeros((1, 16, 2), np.float32)
    person['gt_instances']['keypoints_visible'] = np.ones((1, 16), int)
    person['pred_instances']['keypoints'] = np.full((1, 16, 2), [0, 15], np.float32)
    assert evaluate([person])['mpii/PCKh@0.5'] == 100


def test_perfect_predictions_of_the_data_set_score_one_hundred(tmp_path):
    """Keypoints of the data set and predictions are in one frame: no pixel is added or lost."""
    write_mpii(tmp_path)
    dataset = MpiiDataset(
        data_root=str(tmp_path), ann_file='own.json', data_prefix={'img': 'images/'}, test_mode=True
    )
    people = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        truth = {key: info[key] for key in ('keypoints', 'keypoints_visible', 'head_size')}
        found = {'keypoints': info['keypoints'].copy(), 'keypoint_scores': np.ones((1, 16))}
        raw = info['raw_ann_info']
        people.append({'raw_ann_info': raw, 'gt_instances': truth, 'pred_instances': found})
    values = evaluate(people, dataset.metainfo)
    assert set(values.values()) == {100.0}
    people[0]['pred_instances']['keypoints'] += 1.5  # 0.11 of a head of 19 pixels, 0.24 of 9
    assert evaluate(people, dataset.metainfo)['mpii/PCKh@0.1'] < 100


def test_samples_that_processes_hold_twice_count_once():
    people = samples(1)
    assert evaluate(people) == evaluate([*people, *people[:7]])


def test_a_keypoint_that_is_not_finite_counts_as_wrong_and_its_person_is_named(mmengine_log):
    people, far = samples(4), samples(4)
    people[3]['pred_instances']['keypoints'][0, 12] = np.nan
    far[3]['pred_instances']['keypoints'][0, 12] = 1e5
    assert evaluate(people) == evaluate(far)
    (warning,) = (r.getMessage() for r in mmengine_log.records if r.levelname == 'WARNING')
    assert '1 of 40 persons have a predicted keypoint that is not finite' in warning
    assert 'the first is person 3 (1.jpg); such keypoints count as wrong' in warning


def test_predictions_none_of_which_is_finite_are_refused():
    people = samples(4)
    for sample in people:
        sample['pred_instances']['keypoints'][:] = np.nan
    with pytest.raises(ValueError, match=r'first is person 0 \(0\.jpg\); has training diverged'):
        evaluate(people)


def test_annotated_keypoints_outside_of_their_images_count_and_are_counted(mmengine_log):
    people = samples(5)
    expected = evaluate(people)
    for sample in people:
        truth = sample['gt_instances']
        truth['keypoints_visible'][0, :2] = 1
        truth['keypoints'][0, :2] = [20.0, 30.0]
        sample['ori_shape'] = (500, 400)
    people[7]['gt_instances']['keypoints'][0, :2] = [[-1, -1], [400, 3]]
    values = evaluate(people)
    assert official(people)['PCKh@0.5'] == pytest.approx(values['mpii/PCKh@0.5'])
    assert values != expected
    (warning,) = (r.getMessage() for r in mmengine_log.records if r.levelname == 'WARNING')
    assert warning.startswith('2 of ')
    assert 'the first is right_ankle at [-1.0, -1.0] (0-based) of person 7 (3.jpg)' in warning


def test_a_part_of_the_data_set_is_evaluated_on_its_people(tmp_path, mmengine_log):
    write_mpii(tmp_path)
    dataset = MpiiDataset(
        data_root=str(tmp_path),
        ann_file='own.json',
        data_prefix={'img': 'images/'},
        test_mode=True,
        indices=2,
    )
    people = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        info['pred_instances'] = {
            'keypoints': info['keypoints'],
            'keypoint_scores': np.ones((1, 16)),
        }
        people.append({**info, 'gt_instances': info})
    assert evaluate(people, dataset.metainfo)['mpii/PCKh@0.5'] == 100
    said = [record.getMessage() for record in mmengine_log.records]
    assert any('on the persons of 2 images, those that the data set selects' in s for s in said)


def test_it_is_registered():
    assert METRICS.get('MpiiMetric') is MpiiMetric
    assert MpiiMetric.default_prefix == 'mpii'


class TestHeadSegment:
    META = {**META, 'has_head_boxes': False}  # noqa: RUF012

    def people(self) -> list[dict]:
        people = samples(2)
        for sample in people:
            del sample['gt_instances']['head_size']
        return people

    def test_keys_cannot_be_mistaken_for_pckh(self):
        values = evaluate(self.people(), self.META, normalize_by='head_segment')
        assert list(values)[:3] == ['mpii/PCKn@0.5', 'mpii/PCKn@0.1', 'mpii/Head PCKn']
        names = MpiiMetric('head_segment').names
        assert list(values) == [f'mpii/{name}' for name in names]
        assert not set(names) & set(MpiiMetric.names)

    def test_values_are_pckh_by_the_segment_of_those_who_have_one(self):
        people = self.people()
        found = evaluate(people, self.META, normalize_by='head_segment')
        counted = []
        for sample in people:
            truth = sample['gt_instances']
            length = np.linalg.norm(truth['keypoints'][0, 8] - truth['keypoints'][0, 9])
            if truth['keypoints_visible'][0, [8, 9]].all():
                sample['gt_instances'] = {**truth, 'head_size': np.array([[length]])}
                counted.append(sample)
        assert 0 < len(counted) < len(people)
        expected = official(counted)
        assert found['mpii/PCKn@0.5'] == pytest.approx(expected['PCKh@0.5'])
        assert found['mpii/Ankle PCKn'] == pytest.approx(expected['Ankle'])

    def test_the_log_says_how_many_were_left_out(self, mmengine_log):
        evaluate(self.people(), self.META, normalize_by='head_segment')
        message = mmengine_log.records[-1].getMessage()
        assert 'PCKn@0.5 and its parts' in message
        assert 'without a head segment ignored' in message

    def test_lengths(self):
        keypoints, visible = np.zeros((3, 16, 2)), np.ones((3, 16))
        keypoints[:, MPII_KEYPOINTS.index('head_top')] = [3, 4]
        visible[1, MPII_KEYPOINTS.index('upper_neck')] = 0
        assert head_segments(keypoints, visible).tolist() == pytest.approx([5, np.nan, 5], nan_ok=1)


class TestOutput:
    def test_predictions_and_values_are_written(self, tmp_path):
        people = samples(3, num=4)[::-1]
        values = evaluate(people, outfile_prefix=str(tmp_path / 'new/results'))
        found = json.loads((tmp_path / 'new/results.predictions.json').read_text())
        assert [person['id'] for person in found] == [0, 1, 2, 3]
        assert found[3].keys() == {'id', 'image', 'rectangle', 'keypoints'}
        predicted = people[0]['pred_instances']
        np.testing.assert_allclose(
            found[3]['keypoints'],
            np.c_[predicted['keypoints'][0], predicted['keypoint_scores'][0]],
            atol=1e-4,
        )
        metrics = json.loads((tmp_path / 'new/results.metrics.json').read_text())
        assert {f'mpii/{k}': v for k, v in metrics['values'].items()} == pytest.approx(values)
        assert list(metrics['keypoints']) == list(MPII_KEYPOINTS)
        assert metrics['keypoints']['pelvis'].keys() == {
            'annotated',
            'PCKh@0.5',
            'PCKh@0.1',
            'PCKh@0.11 (official @0.1)',
        }
        assert metrics['num_people'] == 4

    def test_what_is_never_annotated_is_null(self, tmp_path):
        people = samples(3, num=2)
        for sample in people:
            sample['gt_instances']['keypoints_visible'][0, 9] = 0
        values = evaluate(people, outfile_prefix=str(tmp_path / 'a'))
        assert np.isnan(values['mpii/Head'])
        text = (tmp_path / 'a.metrics.json').read_text()
        assert 'NaN' not in text
        assert json.loads(text)['values']['Head'] is None

    def test_the_log_has_the_releases_table(self, mmengine_log):
        evaluate(samples(0))
        text = mmengine_log.records[-1].getMessage()
        columns = 'Head Shoulder Elbow Wrist Hip Knee Ankle Mean Mean@0.1 Mean@0.11'
        assert columns.split() in [line.split() for line in text.splitlines()]

    def test_format_only_measures_nothing(self, tmp_path):
        people = samples(3, num=4)
        for sample in people:
            del sample['gt_instances']['head_size']
        meta = {**META, 'has_head_boxes': False, 'has_keypoints': False}
        prefix = str(tmp_path / 'test')
        assert evaluate(people, meta, format_only=True, outfile_prefix=prefix) == {}
        assert len(json.loads((tmp_path / 'test.predictions.json').read_text())) == 4
        assert MpiiMetric(format_only=True, outfile_prefix=prefix).names == ()


class TestRefusals:
    def test_no_head_boxes_with_all_three_cures(self):
        meta = {**META, 'has_head_boxes': False, 'missing_headbox_file': 'a/mpii_gt_val.mat'}
        with pytest.raises(ValueError, match='PCKh needs head boxes') as caught:
            MpiiMetric().dataset_meta = meta
        for part in (
            '`a/mpii_gt_val.mat` does not exist',
            'val_dataloader.dataset.headbox_file=FILE',
            'tools/convert_mpii.py annotations',
            'val_evaluator.normalize_by=head_segment',
            'default_hooks.checkpoint.save_best=mpii/PCKn@0.5',
        ):
            assert part in str(caught.value)
        MpiiMetric('head_segment').dataset_meta = meta

    def test_the_test_set_cannot_be_measured(self):
        with pytest.raises(ValueError, match=r'nothing to evaluate.*format_only=True'):
            MpiiMetric().dataset_meta = {**META, 'has_keypoints': False}

    def test_mmposes_data_set_is_one_pixel_off(self):
        with pytest.raises(
            ValueError, match=r"\('mpii'\) is of another type; MMPose's keypoints are 1-based"
        ):
            MpiiMetric().dataset_meta = {'dataset_name': 'mpii'}

    @pytest.mark.parametrize(
        ('options', 'expected'),
        [
            ({'normalize_by': 'bbox'}, "is 'bbox', but should be one of head_box, head_segment"),
            ({'format_only': True}, r'needs a path: test_evaluator.outfile_prefix=FOLDER/NAME'),
        ],
    )
    def test_options_are_checked(self, options, expected):
        with pytest.raises(ValueError, match=expected):
            MpiiMetric(**options)

    def test_samples_are_single_people(self):
        sample = samples(0, num=1)[0]
        sample['pred_instances'] = {
            'keypoints': np.zeros((2, 16, 2)),
            'keypoint_scores': np.zeros((2, 16)),
        }
        with pytest.raises(ValueError, match=r"sample 0 has 2 predicted persons.*'topdown'"):
            evaluate([sample])

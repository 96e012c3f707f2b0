"""MPII's own annotations become ours, and our predictions what its evaluation takes."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hrnet_ext.conversion.mpii_annotations import (
    convert_release,
    describe,
    write_annotations,
)
from hrnet_ext.conversion.mpii_release import read_release
from hrnet_ext.conversion.mpii_split import read_split
from hrnet_ext.conversion.mpii_submission import (
    fill_in,
    read_predictions,
    single_people,
    write_submission,
)
from hrnet_ext.datasets.body import MpiiDataset
from hrnet_ext.datasets.body.mpii_files import read_people
from tests.mpii_release_cases import (
    EMPTY,
    NAMES,
    TEST_NAMES,
    points,
    position,
    release,
    structs,
    write_release,
)

TOOL = Path(__file__).parents[1] / 'tools' / 'convert_mpii.py'


@pytest.fixture
def mat(tmp_path):
    return write_release(tmp_path / 'release.mat')


def split_of(folder: Path, *names: str):
    (folder / 'val.txt').write_text('\r\n'.join([*names, '', '']))
    return read_split(str(folder / 'val.txt'))


def places(people: list[dict]) -> list[tuple[int, int]]:
    return [(person['image_index'], person['rectangle']) for person in people]


class TestAnnotations:
    def test_everybody_with_position_size_and_keypoints_is_there_once(self, mat):
        conversion = convert_release(read_release(str(mat)))
        assert places(conversion.people['train']) == [(0, 0), (0, 2), (3, 0), (3, 2)]
        assert conversion.people['trainval'] == conversion.people['train']
        assert places(conversion.people['test']) == [(4, 0), (4, 1), (5, 0), (6, 0)]
        assert 'val' not in conversion.people
        everybody = [*conversion.people['train'], *conversion.people['test']]
        assert sorted(person['id'] for person in everybody) == list(range(8))
        assert conversion.left_out == {'without position or size': 3, 'without keypoints': 1}

    def test_coordinates_become_0_based(self, mat):
        person = convert_release(read_release(str(mat))).people['train'][1]
        joints = [[value - 1 for value in position(2, number)] for number in range(2, 16)]
        assert person == {
            'id': 1,
            'image': NAMES[0],
            'joints': [[-1, -1], [-1, -1], *joints],
            'joints_vis': [0, 0] + 14 * [1],  # annotated, be they visible or not
            'center': [101, 89],
            'scale': 3.25,
            'head_box': [61, 19, 82, 47.5],
            'single_person': True,
            'image_index': 0,
            'rectangle': 2,
        }

    def test_single_people_are_marked_and_can_be_picked(self, mat):
        found = read_release(str(mat))
        people = convert_release(found).people
        marked = [person for part in ('train', 'test') for person in people[part]]
        single = [person for person in marked if person['single_person']]
        assert places(single) == [(0, 2), (3, 0), (3, 2), (4, 1), (5, 0)]
        picked = convert_release(found, single_person_only=True)
        assert places(picked.people['train'] + picked.people['test']) == places(single)
        assert picked.left_out['not a single person'] == 3

    def test_no_head_box_of_no_size_is_written(self, mat):
        people = convert_release(read_release(str(mat))).people['train']
        assert ['head_box' in person for person in people] == [True, True, True, False]

    def test_the_data_set_reads_what_was_written(self, mat, tmp_path):
        conversion = convert_release(read_release(str(mat)), split_of(tmp_path, NAMES[0]))
        write_annotations(tmp_path / 'out', conversion, 'made by a test')
        for name in NAMES + TEST_NAMES:
            (tmp_path / name).touch()
        info = json.loads((tmp_path / 'out/mpii_val.json').read_text())['info']
        assert (info['coordinates'], info['description']) == ('0-based pixels', 'made by a test')
        options = {'data_root': str(tmp_path), 'data_prefix': {'img': ''}, 'test_mode': True}
        dataset = MpiiDataset('out/mpii_val.json', **options)
        sample = dataset.get_data_info(1)
        expected = [np.subtract(position(2, number), 1) for number in range(2, 16)]
        np.testing.assert_allclose(sample['keypoints'][0, 2:], expected)
        np.testing.assert_allclose(sample['head_size'], 0.6 * np.hypot(21, 28.5))
        np.testing.assert_allclose(sample['bbox_center'], [[101, 89 + 15 * 3.25]])
        np.testing.assert_allclose(sample['bbox_scale'], [[650, 650]])
        test = MpiiDataset('out/mpii_test.json', **options)
        assert (len(test), test.metainfo['has_keypoints']) == (4, False)

    def test_arrays_may_lie_either_way(self, mat, tmp_path):
        """MATLAB's users transpose structs without noticing."""
        content = release()
        content['annolist'] = content['annolist'].T
        content['single_person'] = content['single_person'].T
        other = write_release(tmp_path / 'other.mat', content)
        assert convert_release(read_release(str(other))) == convert_release(read_release(str(mat)))

    def test_an_unknown_keypoint_names_its_image(self, tmp_path):
        content = release()
        rectangle = content['annolist']['annorect'][0, 3]
        rectangle['annopoints'][0, 0] = points(0, range(3, 4), id=16)
        path = write_release(tmp_path / 'odd.mat', content)
        with pytest.raises(ValueError, match=rf'annolist\(4\), `{NAMES[3]}`.* id 16.*, but MPII'):
            convert_release(read_release(str(path)))


class TestRelease:
    def test_what_lacks_RELEASE_is_another_file(self, tmp_path):
        savemat(tmp_path / 'x.mat', {'preds': np.zeros(3)})
        with pytest.raises(
            ValueError, match=r'lacks RELEASE; it contains preds: download.*v1_u12_1'
        ):
            read_release(str(tmp_path / 'x.mat'))

    @pytest.mark.parametrize(
        ('change', 'expected'),
        [
            ({'annolist': None}, 'RELEASE should be a struct .*, but lacks annolist'),
            ({'img_train': np.ones(3)}, r'of the same images, but have \[7, 3, 7\] elements'),
            ({'annolist': np.zeros(7)}, r'of the same images'),
        ],
    )
    def test_another_struct_is_refused(self, tmp_path, change, expected):
        content = {**release(), **change}
        path = write_release(
            tmp_path / 'x.mat', {k: v for k, v in content.items() if v is not None}
        )
        with pytest.raises(ValueError, match=expected):
            read_release(str(path))

    def test_a_number_is_no_release(self, tmp_path):
        savemat(tmp_path / 'x.mat', {'RELEASE': 12})
        with pytest.raises(ValueError, match='lacks annolist, img_train, single_person: download'):
            read_release(str(tmp_path / 'x.mat'))

    def test_the_version_is_told(self, tmp_path, mat):
        assert read_release(str(mat)).version == '12'
        for version, text in ((11, '11'), (EMPTY, ''), ('v2', 'v2')):
            path = write_release(tmp_path / 'x.mat', {**release(), 'version': version})
            assert read_release(str(path)).version == text

    @pytest.mark.parametrize('share', [0, 0.1, 0.5, 0.9])
    def test_a_truncated_download_is_told(self, mat, share):
        content = mat.read_bytes()
        mat.write_bytes(content[: int(share * len(content))])
        with pytest.raises(
            ValueError, match=r'release.mat` .* is not a complete MATLAB file|lacks'
        ):
            read_release(str(mat))


class TestSplit:
    def test_images_are_held_back_whole(self, mat, tmp_path):
        people = convert_release(read_release(str(mat)), split_of(tmp_path, NAMES[3])).people
        assert places(people['val']) == [(3, 0), (3, 2)]
        assert places(people['train']) == [(0, 0), (0, 2)]
        assert people['trainval'] == [*people['train'], *people['val']]

    def test_people_are_held_back_with_their_images(self, mat, tmp_path):
        indices = {'RELEASE_img_index': [4], 'RELEASE_person_index': [3]}
        savemat(tmp_path / 'detections.mat', indices)
        split = read_split(str(tmp_path / 'detections.mat'))
        conversion = convert_release(read_release(str(mat)), split)
        assert places(conversion.people['val']) == [(3, 2)]
        assert places(conversion.people['trainval']) == [(0, 0), (0, 2), (3, 2)]
        assert conversion.left_out['beside the validation people'] == 1

    @pytest.mark.parametrize(
        ('names', 'expected'),
        [
            (['no.jpg', NAMES[0], 'nor.jpg'], '2 images are not in the annotations: no.jpg, nor'),
            ([f'{i}.jpg' for i in range(9)], r'9 images .*: 0.jpg, .*, 4.jpg, \.\.\.$'),
            ([TEST_NAMES[1]], f"1 images are the test set's: {TEST_NAMES[1]}"),
        ],
    )
    def test_unknown_images_are_named(self, mat, tmp_path, names, expected):
        with pytest.raises(ValueError, match=expected):
            convert_release(read_release(str(mat)), split_of(tmp_path, *names))

    def test_people_of_another_release_are_refused(self, mat, tmp_path):
        indices = {'RELEASE_img_index': [4, 5, 99], 'RELEASE_person_index': [3, 1, 1]}
        savemat(tmp_path / 'detections.mat', indices)
        split = read_split(str(tmp_path / 'detections.mat'))
        with pytest.raises(ValueError, match=r'2 images are not .*annolist\(5\), annolist\(99\)'):
            convert_release(read_release(str(mat)), split)

    @pytest.mark.parametrize(
        ('content', 'expected'),
        [(b'\n  \n', 'names no image'), (b'\xff\xd8\xff', r'is not text \(byte 0\)')],
    )
    def test_what_is_no_list_of_names_is_told(self, tmp_path, content, expected):
        (tmp_path / 'val.txt').write_bytes(content)
        with pytest.raises(ValueError, match=expected):
            read_split(str(tmp_path / 'val.txt'))

    def test_a_missing_file_is_told(self):
        with pytest.raises(FileNotFoundError, match=r'\(--images-val\) `no.txt` does not exist'):
            read_split('no.txt')

    def test_the_report_says_what_became_of_everybody(self, mat, tmp_path):
        found = read_release(str(mat))
        report = describe(convert_release(found), Path('out'))
        assert report.splitlines() == [
            'out/mpii_train.json: 4 people in 2 images',
            'out/mpii_trainval.json: 4 people in 2 images',
            'out/mpii_test.json: 4 people in 3 images',
            'left out: 3 people without position or size',
            'left out: 1 people without keypoints',
            '1 training people have no head box; PCKh cannot be measured on them',
            'no --images-val: no image is held out, train and trainval are the same',
        ]


def predictions(mat: Path, folder: Path, change=lambda records: None) -> Path:
    """Predictions of the whole test set, as the metric writes them."""
    people = convert_release(read_release(str(mat))).people['test']
    records = [
        {
            **{key: person[key] for key in ('id', 'image', 'image_index', 'rectangle')},
            'keypoints': [[10.0 * person['id'] + k, 5.5 + k, 0.9] for k in range(16)],
        }
        for person in people
    ]
    change(records)
    (folder / 'a.predictions.json').write_text(json.dumps(records))
    return folder / 'a.predictions.json'


class TestSubmission:
    def test_the_right_points_are_at_the_right_people(self, mat, tmp_path):
        found = read_release(str(mat))
        assert single_people(found) == [(4, 1), (5, 0)]  # (4, 2) has no position
        filled = fill_in(found, read_predictions(str(predictions(mat, tmp_path))))
        write_submission(tmp_path / 'pred.mat', filled)
        pred = loadmat(tmp_path / 'pred.mat', squeeze_me=True, struct_as_record=False)['pred']
        assert [image.image.name for image in pred] == list(TEST_NAMES)
        people = pred[0].annorect
        assert [getattr(p.annopoints, 'size', None) for p in people] == [0, None, 0]
        for person, number in ((people[1], 5), (pred[1].annorect, 6)):
            found = [(p.x, p.y, p.id) for p in person.annopoints.point]
            assert found == [(10 * number + k + 1, 6.5 + k, k) for k in range(16)]
        assert people[1].scale == 2.25  # the rest is as it was
        assert not hasattr(pred[2].annorect, 'annopoints')

    def test_the_official_way_through_the_file_finds_them(self, mat, tmp_path):
        """annolist2matrix.m: pred(i).annorect(r).annopoints.point(k).{x,y,id}, nothing squeezed."""
        filled = fill_in(read_release(str(mat)), read_predictions(str(predictions(mat, tmp_path))))
        write_submission(tmp_path / 'pred.mat', filled)
        pred = loadmat(tmp_path / 'pred.mat')['pred']
        assert pred.shape == (1, 3)
        point = pred[0, 0]['annorect'][0, 1]['annopoints'][0, 0]['point']
        assert point.shape == (1, 16)
        assert point[0, 3]['x'].item() == 54.0
        assert {point[0, k]['id'].dtype.kind for k in range(16)} <= set('uif')

    def test_missing_people_are_counted_and_named(self, mat, tmp_path):
        path = predictions(mat, tmp_path, lambda records: records.pop(2))
        expected = rf'1 of 2 single people .* `{TEST_NAMES[1]}` rectangle 0 .*: predict on the mpii'
        with pytest.raises(ValueError, match=expected):
            fill_in(read_release(str(mat)), read_predictions(str(path)))

    @pytest.mark.parametrize(
        ('change', 'expected'),
        [
            ({'image_index': 0, 'image': NAMES[0]}, f'`{NAMES[0]}` is a training image'),
            ({'image': 'x.jpg'}, 'image_index 5 of `x.jpg` is another image in this .mat'),
            ({'image_index': 7}, 'image_index 7 of .* is another image'),
            ({'image_index': None}, r'\[2\] lacks image_index: predict on the mpii_test.json'),
            ({'rectangle': 'x'}, r'\[2\] lacks rectangle'),
            ({'keypoints': [[1, 2]] * 16}, r'\[2\].keypoints should be 16 finite \[x, y, score\]'),
            ({'keypoints': [[1, 2, float('nan')]] * 16}, r'\[2\].keypoints should be 16 finite'),
        ],
    )
    def test_what_cannot_be_submitted_is_told(self, mat, tmp_path, change, expected):
        path = predictions(mat, tmp_path, lambda records: records[2].update(change))
        with pytest.raises(ValueError, match=expected):
            fill_in(read_release(str(mat)), read_predictions(str(path)))

    @pytest.mark.parametrize(
        ('content', 'expected'),
        [
            ('[{', 'predictions `.*` is not JSON'),
            ('{}', 'should be a list, but is dict'),
            ('[{"image_id": 3}]', r'\[0\] lacks image, keypoints'),
        ],
    )
    def test_another_file_is_told(self, tmp_path, content, expected):
        (tmp_path / 'a.json').write_text(content)
        with pytest.raises(ValueError, match=expected):
            read_predictions(str(tmp_path / 'a.json'))


@pytest.fixture
def tool(monkeypatch):
    """Runs the tool in this process; its exit status is None, or an error's message."""

    def run(*arguments) -> str | int | None:
        monkeypatch.setattr(sys, 'argv', ['convert_mpii.py', *map(str, arguments)])
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as ended:
            return ended.code
        return None

    return run


def test_the_tool_converts_there_and_back(tool, mat, tmp_path, capsys):
    (tmp_path / 'val.txt').write_text(NAMES[3])
    out = tmp_path / 'new' / 'annotations'
    assert tool('annotations', mat, '--images-val', tmp_path / 'val.txt', '--out', out) is None
    said = capsys.readouterr()
    assert f'{out / "mpii_val.json"}: 2 people in 1 images' in said.out
    assert '7 images, 4 of them for training' in said.err
    assert len(read_people(str(out / 'mpii_test.json'), 'file')) == 4
    target = tmp_path / 'pred.mat'
    assert tool('submission', predictions(mat, tmp_path), mat, '--out', target) is None
    said = capsys.readouterr().out
    assert '2 single people of 3 test images\nleft out: 2 people who are not single' in said
    assert loadmat(target)['pred'].size == 3


def test_the_tools_mistakes_are_one_line(tool, mat, tmp_path):
    out, split = tmp_path / 'out', tmp_path / 'val.txt'
    out.mkdir()
    (out / 'mpii_val.json').touch()
    split.write_text('x.jpg')
    for arguments, expected in (
        (('annotations', 'no.mat', '--out', 'no'), 'annotation file `no.mat` does not exist: down'),
        (
            ('annotations', mat, '--out', out),
            f'already {out / "mpii_val.json"}; --overwrite',
        ),
        (('annotations', mat, '--out', out, '--overwrite'), 'is of an earlier split; remove it or'),
        (
            ('annotations', mat, '--out', out, '--overwrite', '--images-val', split),
            '1 images are not in the annotations: x.jpg',
        ),
        (('submission', 'no.json', mat), 'predictions `no.json` does not exist: predict on'),
    ):
        message = tool(*arguments).splitlines()[0]
        assert message.startswith('error: ')
        assert expected in message
    assert (out / 'mpii_val.json').read_bytes() == b''  # nothing was touched


def test_another_version_is_noted(tool, tmp_path, capsys):
    path = write_release(tmp_path / 'x.mat', {**release(), 'version': '11'})
    assert tool('annotations', path, '--out', tmp_path / 'out') is None
    assert "note: RELEASE.version is '11', but known is '12'" in capsys.readouterr().err


def test_struct_arrays_of_the_cases_are_matlabs(mat):
    """Fields that only some rectangles have are empty in the others, as in the release."""
    raw = loadmat(mat)['RELEASE'][0, 0]['annolist'][0, 0]['annorect']
    assert raw.shape == (1, 3)
    assert raw[0, 1]['scale'].shape == (0, 0)
    assert structs([{'a': 1}, {'b': 2}])['a'][0, 1] is EMPTY

"""tools/convert_posetrack.py: files in the original layouts, whole and broken."""

import copy
import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from hrnet_ext.conversion.posetrack_merge import merge_sequences, to_posetrack18
from hrnet_ext.datasets.body import PoseTrack18Dataset
from hrnet_ext.evaluation import evaluate_posetrack
from hrnet_ext.formats.posetrack18 import KEYPOINTS
from tests.posetrack_cases import RandomPeople, sequence, to_2017
from tests.posetrack_tree import NAMES, SIZE, people, videos, write, write_tree

TOOL = Path(__file__).parents[1] / 'tools/convert_posetrack.py'
SAMPLE = Path(__file__).parents[2] / 'shared/data/posetrack18_sample'


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('posetrack18')
    write_tree(folder)
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the tool in this process; its output, or the message that it ended with."""

    def call(*arguments) -> str:
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as stop:
            return str(stop.code if isinstance(stop.code, str) else capsys.readouterr().err)
        return capsys.readouterr().out

    return call


def folder_of(tmp_path: Path, contents: dict[str, dict], name: str = 'videos') -> Path:
    for stem, content in contents.items():
        write(tmp_path / name / f'{stem}.json', content)
    return tmp_path / name


def read(path: Path) -> object:
    return json.loads(path.read_text())


def predictions() -> dict[str, dict]:
    return {name: sequence(people(score=0.9), name) for name in NAMES}


class TestMerge:
    def test_records_are_kept_and_sized(self, root, tmp_path, run):
        out = tmp_path / 'new/split.json'
        said = run('merge', root / 'annotations/val', '--images', root, '--out', out)
        assert said == f'{out}: 2 videos, 6 frames, 4 labeled, 8 people\n'
        merged = read(out)
        assert merged == read(root / 'annotations/posetrack18_val.json')
        sizes = {'width': SIZE[0], 'height': SIZE[1]}
        images = [image for video in videos().values() for image in video['images']]
        assert merged['images'] == [{**image, **sizes} for image in images]
        people = [one for video in videos().values() for one in video['annotations']]
        assert merged['annotations'] == people

    def test_people_with_a_box_get_the_area_that_detectors_need(self):
        content = {name: dict(video) for name, video in videos().items()}
        for video in content.values():
            video['annotations'] = [
                {**each, 'bbox': [1, 2, 30, 40]} for each in video['annotations']
            ]
        merged = merge_sequences(content, dict.fromkeys(NAMES, SIZE))
        assert {(each['area'], each['iscrowd']) for each in merged['annotations']} == {(1200, 0)}

    @pytest.mark.skipif(not SAMPLE.is_dir(), reason='PoseTrack18 sample not there')
    def test_the_real_files_merge_to_mmposes(self, tmp_path, run):
        out = tmp_path / 'split.json'
        run('merge', SAMPLE / 'annotations/val', '--images', SAMPLE, '--out', out)
        merged, mmposes = read(out), read(SAMPLE / 'annotations/test_posetrack18_val.json')
        for part in ('images', 'annotations'):
            expected = {record['id']: record for record in mmposes[part]}
            kept = {
                record['id']: {k: v for k, v in record.items() if k in expected[record['id']]}
                for record in merged[part]
            }
            assert kept == expected
        assert merged['categories'] == mmposes['categories']

    def test_an_earlier_file_is_kept_unless_asked_for(self, root, tmp_path, run):
        out = tmp_path / 'split.json'
        out.write_text('mine')
        arguments = ['merge', root / 'annotations/val', '--images', root, '--out', out]
        assert f'{out} exists; --overwrite replaces it' in run(*arguments)
        assert out.read_text() == 'mine'
        run(*arguments, '--overwrite')
        assert len(read(out)['images']) == 6

    def test_the_inputs_are_left_as_they_were(self):
        sequences = videos()
        before = copy.deepcopy(sequences)
        merge_sequences(sequences, dict.fromkeys(NAMES, SIZE))
        assert sequences == before

    def test_posetrack17_is_converted_and_named_for_its_frames(self, root, tmp_path, run):
        old = {f'{name}_relpath_5sec': to_2017(content) for name, content in videos().items()}
        out = tmp_path / 'split.json'
        run('merge', folder_of(tmp_path, old), '--images', root, '--out', out)
        dataset = PoseTrack18Dataset(str(out), data_root=str(root), data_prefix={'img': ''})
        assert len(dataset) == 8
        merged, expected = read(out), read(root / 'annotations/posetrack18_val.json')
        for part, keys in {
            'images': ('id', 'frame_id', 'vid_id', 'nframes', 'is_labeled', 'file_name', 'width'),
            'annotations': ('id', 'image_id', 'track_id', 'keypoints', 'bbox_head', 'category_id'),
        }.items():
            for one, other in zip(merged[part], expected[part], strict=True):
                assert {key: one[key] for key in keys} == {key: other[key] for key in keys}


def break_video(content: dict, name: str) -> None:
    """Break a video in the way called ``name``."""
    person, image = content['annotations'][3], content['images'][1]
    if name == 'no head box':
        del person['bbox_head']
    elif name == 'two points':
        image.update(ignore_regions_x=[[1, 2]], ignore_regions_y=[[1, 2]])
    elif name == 'NaN':
        person['keypoints'][4] = float('nan')
    elif name == '14 keypoints':
        person['keypoints'] = person['keypoints'][:42]
    elif name == 'same track':
        person['track_id'] = 0
    elif name == 'same id':
        person['id'] = content['annotations'][0]['id']
    elif name == 'other categories':
        content['categories'][0]['keypoints'].reverse()
    elif name == 'no categories':
        del content['categories']
    elif name == 'absent frame':
        image['file_name'] = image['file_name'].replace('000001.jpg', '000009.jpg')


FRAME = "sequence '000002_mpii_test', ground truth: frame 'images/val/000002_mpii_test/000001.jpg'"


class TestBadInput:
    @pytest.mark.parametrize(
        ('name', 'message'),
        [
            ('no head box', f'{FRAME}, person 1 has no bbox_head'),
            ('two points', f'{FRAME}: ignore region 0 is a polygon of 2 points'),
            ('NaN', f"{FRAME}, person 1: position of 'head_bottom' is [405.0, nan]"),
            ('14 keypoints', f'{FRAME}, person 1 has 42 keypoint values, which are 14 keypoints'),
            ('same track', f'{FRAME}: 2 persons have track_id 0'),
            (
                'same id',
                "'000002_mpii_test': the id 1000002000000 of annotations[3] is twice in it",
            ),
            ('other categories', 'has other categories than the videos before it'),
            ('no categories', "sequence '000002_mpii_test', ground truth has no 'categories'"),
            ('absent frame', '000009.jpg` does not exist; --images should name the folder'),
        ],
    )
    def test_it_is_named_in_one_line(self, root, tmp_path, run, name, message):
        contents = videos()
        break_video(contents[NAMES[1]], name)
        out = tmp_path / 'split.json'
        said = run('merge', folder_of(tmp_path, contents), '--images', root, '--out', out)
        assert message in said
        assert said.startswith('error: ')
        assert len(said.splitlines()) == 2  # the second says how to see the traceback
        assert not out.exists()

    def test_what_evaluation_alone_needs_can_be_let_be(self, root, tmp_path, run):
        contents = videos()
        break_video(contents[NAMES[1]], 'no head box')
        break_video(contents[NAMES[1]], 'two points')
        arguments = [folder_of(tmp_path, contents), '--images', root, '--out', tmp_path / 'x.json']
        assert '8 people' in run('merge', *arguments, '--unchecked')

    def test_a_video_in_two_files(self, root, tmp_path, run):
        contents = {**videos(), 'copy': videos()[NAMES[0]]}
        folder = folder_of(tmp_path, contents)
        said = run('merge', folder, '--images', root, '--out', tmp_path / 'x.json')
        assert "copy.json` is of the video '000001_mpii_test', and so is" in said

    def test_an_id_in_two_videos(self):
        contents = videos()
        contents[NAMES[1]]['images'][1]['id'] = contents[NAMES[0]]['images'][1]['id']
        with pytest.raises(ValueError, match=r'of images\[1\] is in .000001_mpii_test. too; rem'):
            merge_sequences(contents, dict.fromkeys(NAMES, SIZE))

    def test_parts_and_sizes_that_are_not_there(self):
        with pytest.raises(ValueError, match=r"'a' has no list of images, annotations"):
            merge_sequences({'a': {'annolist': []}}, {})
        with pytest.raises(ValueError, match=r"'a' is a list; give the dict"):
            merge_sequences({'a': []}, {})
        with pytest.raises(ValueError, match=r"'000001_mpii_test' has no size"):
            merge_sequences(videos(), {})

    def test_folders_and_files_that_are_none(self, root, tmp_path, run):
        out = tmp_path / 'x.json'
        assert 'does not exist' in run('merge', tmp_path / 'a', '--images', root, '--out', out)
        folder = folder_of(tmp_path, {})
        folder.mkdir()
        said = run('merge', folder, '--images', root, '--out', out)
        assert f'folder of videos `{folder}` has no .json file' in said
        (folder / 'a.json').write_text('{"images": [')
        said = run('merge', folder, '--images', root, '--out', out)
        assert f'`{folder / "a.json"}` is not JSON: Expecting value at line 1, column 13' in said

    def test_frames_that_are_no_images_or_of_two_sizes(self, root, tmp_path, run):
        content = videos()[NAMES[0]]
        folder = folder_of(tmp_path, {NAMES[0]: content})
        for image in content['images']:
            path = tmp_path / image['file_name']
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((root / image['file_name']).read_bytes())
        path = tmp_path / content['images'][1]['file_name']
        path.write_bytes(b'no image')
        arguments = ['merge', folder, '--images', tmp_path, '--out', tmp_path / 'x.json']
        assert f'the frame `{path}` is not an image' in run(*arguments)
        cv2.imwrite(str(path), np.zeros((20, 30, 3), np.uint8))
        assert 'should have one size, but' in run(*arguments)


class TestPoseTrack17:
    @pytest.mark.parametrize('seed', range(6))
    def test_evaluation_does_not_see_the_difference(self, seed):
        gt, pred = RandomPeople(seed).sequences(3, 9)
        for data in (*gt.values(), *pred.values()):  # nobody without keypoints: they are left out
            data['annotations'] = [one for one in data['annotations'] if any(one['keypoints'])]
        old = [{name: to_2017(each) for name, each in data.items()} for data in (gt, pred)]
        new = [{name: to_posetrack18(each, name) for name, each in data.items()} for data in old]
        expected, found = evaluate_posetrack(*old), evaluate_posetrack(*new)
        for name in ('AP', 'MOTA', 'MOTP', 'Precision', 'Recall'):
            assert found[name] == pytest.approx(expected[name], abs=1e-9), name

    def test_ids_are_made_of_names(self):
        old = to_2017(sequence(people(), '000342_bonn_train'))
        new = to_posetrack18(old, 'x')
        assert [image['id'] for image in new['images']] == [20003420000, 20003420001, 20003420002]
        assert [one['id'] for one in new['annotations'][1:3]] == [2000342000001, 2000342000100]
        assert new == to_posetrack18(old, 'x')
        assert {image['vid_id'] for image in new['images']} == {'000342'}
        assert new['categories'][0]['keypoints'] == list(KEYPOINTS)

    def test_hidden_keypoints_are_labeled_for_they_are_evaluated(self):
        old = to_2017(sequence(people(), NAMES[0]))
        old['annolist'][0]['annorect'][0]['annopoints'][0]['point'][0]['is_visible'] = [0]
        visibility = np.reshape(to_posetrack18(old, 'x')['annotations'][0]['keypoints'], (17, 3))
        assert visibility[:, 2].sum() == 15  # all but the ears

    def test_boxes_are_extended_as_posetrack18s(self):
        new = to_posetrack18(to_2017(sequence(people(), NAMES[0])), 'x')
        assert new['annotations'][0]['bbox'] == [105, 100 - 144, 0, 960 + 288]

    @pytest.mark.parametrize('name', ['000342_mpii/frame.jpg', 'video/000001.jpg', '1_x/1.jpg'])
    def test_names_without_numbers_are_refused(self, name):
        old = to_2017(sequence(people(1)))
        old['annolist'][0]['image'][0]['name'] = name
        with pytest.raises(
            ValueError, match=rf"made of names such as .* '{name}' is not like that"
        ):
            to_posetrack18(old, 'x')


class TestSplit:
    def test_it_undoes_the_merge(self, root, tmp_path, run):
        out = tmp_path / 'out'
        said = run('split', root / 'annotations/posetrack18_val.json', '--out', out)
        assert said == f'{out}: 2 videos\n'
        sizes = {'width': SIZE[0], 'height': SIZE[1]}
        for name, content in videos().items():
            content['images'] = [{**image, **sizes} for image in content['images']]
            assert read(out / f'{name}.json') == content

    def test_results_become_predictions_of_each_video(self, root, tmp_path, run):
        ann = root / 'annotations/posetrack18_val.json'
        results = [
            {
                'image_id': one['image_id'],
                'category_id': 1,
                'keypoints': [float(v) for v in one['keypoints']],
                'score': 0.5,
                'track_id': one['track_id'],
            }
            for one in read(ann)['annotations']
        ]
        write(tmp_path / 'results.json', results)
        run('split', tmp_path / 'results.json', '--ann', ann, '--out', tmp_path / 'out')
        said = run('evaluate', root / 'annotations/val', tmp_path / 'out')
        assert [line.split()[-1] for line in said.splitlines()[1:3]] == ['100.00', '100.00']
        empty = read(tmp_path / f'out/{NAMES[0]}.json')['images'][2]
        assert empty == {'id': 10000010002, 'file_name': f'images/val/{NAMES[0]}/000002.jpg'}

    @pytest.mark.parametrize(
        ('change', 'message'),
        [
            ({'image_id': 5}, '[0] is of image_id 5, which'),
            ({'keypoints': [1.0] * 42}, '[0]: keypoints should be 51 finite numbers'),
            ({'keypoints': [float('nan')] * 51}, '[0]: keypoints should be 51 finite numbers'),
        ],
    )
    def test_broken_results_are_named(self, root, tmp_path, run, change, message):
        ann = root / 'annotations/posetrack18_val.json'
        result = {'image_id': 10000010000, 'keypoints': [1.0] * 51, **change}
        write(tmp_path / 'results.json', [result])
        arguments = ['split', tmp_path / 'results.json', '--out', tmp_path / 'out']
        assert message in run(*arguments, '--ann', ann)
        assert 'name the merged annotation file, too (--ann)' in run(*arguments)
        assert not (tmp_path / 'out').exists()

    def test_folders_with_other_things_are_safe(self, root, tmp_path, run):
        write(tmp_path / 'out/mine.json', {})
        arguments = ['split', root / 'annotations/posetrack18_val.json', '--out', tmp_path / 'out']
        assert 'contains `mine.json`' in run(*arguments)
        assert '2 videos' in run(*arguments, '--overwrite')
        assert not (tmp_path / 'out/mine.json').exists()
        (tmp_path / 'out/notes.txt').write_text('mine')
        assert 'contains `notes.txt`' in run(*arguments, '--overwrite')


class TestEvaluate:
    def test_it_prints_the_table_and_writes_all_values(self, root, tmp_path, run):
        pred = folder_of(tmp_path, predictions())
        out = tmp_path / 'values.json'
        said = run('evaluate', root / 'annotations/val', pred, '--out', out)
        assert said.splitlines()[1].split() == ['AP', *['100.00'] * 8]
        assert said.endswith('4 annotated frames of 2 sequences, in %\n')
        expected = evaluate_posetrack(videos(), predictions())
        assert read(out) == expected

    @pytest.mark.parametrize(('flags', 'explained'), [([], True), (['--definitions'], False)])
    def test_it_says_why_tracks_have_no_value(self, tmp_path, run, flags, explained):
        content = videos()[NAMES[0]]
        first = content['images'][0]['id']
        people = [one for one in content['annotations'] if one['image_id'] == first]
        one = {**content, 'images': content['images'][:1], 'annotations': people}
        folder = folder_of(tmp_path, {NAMES[0]: one})
        said = run('evaluate', folder, folder, *flags)
        assert ('nan' in said) == explained
        assert ("poseval skips each sequence's last annotated frame" in said) == explained

    def test_definitions_are_used_if_asked(self, root, tmp_path, run):
        contents = predictions()
        contents[NAMES[0]]['annotations'][3]['track_id'] = 9  # in a last frame
        pred = folder_of(tmp_path, contents)
        merged = root / 'annotations/posetrack18_val.json'
        rows = [
            run('evaluate', merged, pred, *flags).splitlines()[2].split()
            for flags in ([], ['--definitions'])
        ]
        assert [row[0] for row in rows] == ['MOTA', 'MOTA']
        assert [row[-1] for row in rows] == ['100.00', '87.50']

    @pytest.mark.parametrize(
        ('name', 'message'),
        [
            ('missing video', "sequence '000002_mpii_test' is missing from the predictions"),
            ('missing frame', "predictions: frame 'images/val/000002_mpii_test/000002.jpg' is mis"),
            ('same track', "000001.jpg': 2 persons have track_id 0"),
            ('NaN', "000001.jpg', person 1: position of 'head_bottom' is [405.0, nan]"),
            ('14 keypoints', "000001.jpg', person 1 has 42 keypoint values"),
        ],
    )
    def test_broken_predictions_are_named_in_one_line(self, root, tmp_path, run, name, message):
        contents = predictions()
        break_video(contents[NAMES[1]], name)
        if name == 'missing video':
            del contents[NAMES[1]]
        elif name == 'missing frame':
            del contents[NAMES[1]]['images'][2]
        said = run('evaluate', root / 'annotations/val', folder_of(tmp_path, contents))
        assert message in said
        assert said.startswith('error: ')
        assert len(said.splitlines()) == 2

"""The tracking tool writes PoseTrack18's files, evaluates them, and goes on where it stopped."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from hrnet_ext.commands import track as command
from hrnet_ext.evaluation import evaluate_posetrack
from hrnet_ext.evaluation.posetrack import read_sequence
from hrnet_ext.formats.posetrack.reading import read_sequences
from hrnet_ext.inference import video_tracks
from hrnet_ext.inference.result_settings import config_mark, file_mark
from hrnet_ext.inference.video_tracks import check_evaluable, run_tracking, tracking_arguments
from hrnet_ext.inference.videos import plain_videos
from hrnet_ext.tracking.options import VARIANTS
from tests.inference_cases import pose_config, write_pictures, write_video, write_weights
from tests.posetrack_tree import NAMES, write_tree

LOW = ['--track-options', 'keypoint_threshold=0', 'flow=lk']  # random weights score low


@pytest.fixture(scope='module')
def model(tmp_path_factory) -> list[str]:
    """The arguments that name a small model."""
    folder = tmp_path_factory.mktemp('model')
    name = 'hrnet_synthetic_posetrack18'
    pose_config(name).dump(folder / 'pose.py')
    write_weights(folder / 'pose.pth', name)
    files = ['--config', str(folder / 'pose.py'), '--checkpoint', str(folder / 'pose.pth')]
    return [*files, '--device', 'cpu']


@pytest.fixture(scope='module')
def root(tmp_path_factory) -> Path:
    """PoseTrack18 data of two videos."""
    folder = tmp_path_factory.mktemp('posetrack')
    write_tree(folder)
    return folder


@pytest.fixture
def track(model):
    """Runs the command in this process; what it would print."""

    def run(*arguments: object) -> str:
        return run_tracking(command.parse_args([*map(str, arguments), *model]))

    return run


def annotated(root: Path) -> list:
    annotations = root / 'annotations'
    ann, boxes = annotations / 'posetrack18_val.json', annotations / 'boxes.json'
    return [root, '--ann', ann, '--bboxes', boxes]


def test_sequences_are_tracked_written_and_evaluated(root, tmp_path, track):
    out = tmp_path / 'tracks'
    said = track(*annotated(root), '--out', out, *LOW)
    assert 'MOTA' in said
    assert 'identity switches per keypoint' in said
    assert sorted(path.stem for path in out.iterdir()) == sorted(NAMES)
    truth = read_sequences(root / 'annotations/val', 'truth')
    result = evaluate_posetrack(truth, read_sequences(out, 'tracks'))
    written = json.loads((tmp_path / 'tracks.metrics.json').read_text())
    assert written['AP'] == result['AP']
    assert 'MOTA' in written
    for name in NAMES:
        content = json.loads((out / f'{name}.json').read_text())
        assert [image['id'] for image in content['images']] == [
            image['id'] for image in truth[name]['images']
        ]
        ids = {one['track_id'] for one in content['annotations']}
        assert {0, 1} <= ids <= set(range(10))


def test_a_run_goes_on_where_it_stopped(root, tmp_path, track):
    out = tmp_path / 'tracks'
    track(*annotated(root), '--out', out, *LOW)
    whole = (out / f'{NAMES[1]}.json').read_bytes()
    with pytest.raises(ValueError, match=r'contains tracks of .*--resume to keep'):
        track(*annotated(root), '--out', out, *LOW)
    (out / f'{NAMES[1]}.json').unlink()
    kept = (out / f'{NAMES[0]}.json').stat().st_mtime_ns
    track(*annotated(root), '--out', out, '--resume', *LOW)
    assert (out / f'{NAMES[0]}.json').stat().st_mtime_ns == kept
    assert (out / f'{NAMES[1]}.json').read_bytes() == whole


def test_tracks_of_other_settings_are_not_mixed(root, tmp_path, track, model):
    out = tmp_path / 'tracks'
    track(*annotated(root), '--out', out, *LOW)
    (out / f'{NAMES[1]}.json').unlink()
    boxes = tmp_path / 'boxes.json'
    boxes.write_text(json.dumps(json.loads((root / 'annotations/boxes.json').read_text())[1:]))
    cases = [
        (['--bboxes', boxes], r'bboxes \'boxes.json \(.*\)\' -> \'boxes.json'),
        (['--track-options', 'box_threshold=0.3'], r'tracking .*\'box_threshold\': 0.3'),
        (['--variant', 'pose'], 'tracking '),
        (['--optimize', 'off'], "optimize 'fp32' -> 'off'"),
        (['--cfg-options', 'model.test_cfg.flip_test=False'], "config 'pose.py"),
    ]
    for changes, expected in cases:
        with pytest.raises(ValueError, match=rf'{NAMES[0]}.json` was made with other .*{expected}'):
            track(*annotated(root), '--out', out, '--resume', *LOW, *changes)
    track(*annotated(root), '--out', out, '--resume', *LOW)  # the same
    content = json.loads((out / f'{NAMES[0]}.json').read_text())
    del content['info']['settings']  # of an earlier release
    (out / f'{NAMES[0]}.json').write_text(json.dumps(content, separators=(',', ':')))
    with pytest.raises(ValueError, match='was made with other settings'):
        track(*annotated(root), '--out', out, '--resume', *LOW)


def test_files_of_settings_are_told_apart_by_content(tmp_path):
    for folder, content in (('a', 'x = 1'), ('b', 'x = 1'), ('c', 'x = 2')):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'base.py').write_text(content)
        (tmp_path / folder / 'leaf.py').write_text("_base_ = 'base.py'")
    for mark, name in ((file_mark, 'base.py'), (config_mark, 'leaf.py')):
        a, b, c = (mark(str(tmp_path / folder / name)) for folder in 'abc')
        assert a == b != c
    assert file_mark('https://host/a.pth') == 'https://host/a.pth'


def test_videos_and_folders_of_frames_are_found(tmp_path):
    write_pictures(tmp_path / 'all' / 'frames')
    write_video(tmp_path / 'all' / 'film.mp4', num=2)
    assert [video.name for video in plain_videos(str(tmp_path / 'all'))] == ['film', 'frames']
    assert [video.name for video in plain_videos(str(tmp_path / 'all/frames'))] == ['frames']
    (film,) = plain_videos(str(tmp_path / 'all/film.mp4'))
    assert film.record(3) == {'id': 3, 'frame_id': 3, 'file_name': 'film/000003.jpg'}


def test_a_plain_video_gives_a_file_that_reads_as_posetracks(tmp_path, track, monkeypatch):
    write_video(tmp_path / 'film.mp4', num=3)
    monkeypatch.setattr(
        'hrnet_ext.inference.inferencer.make_detector',
        lambda *args, **options: EverywhereDetector(),
    )
    out = tmp_path / 'tracks'
    said = track(
        tmp_path / 'film.mp4',
        '--detector',
        'any',
        '--detector-checkpoint',
        'x',
        '--out',
        out,
        *LOW,
        'propagate_boxes=False',
    )
    assert said == f'tracks of 1 videos are in {out}'
    frames = read_sequence(json.loads((out / 'film.json').read_text()), 'film')
    assert [len(frame.people) for frame in frames] == [1, 1, 1]
    assert [frame.people.track_ids.tolist() for frame in frames] == [[0]] * 3


def test_the_settings_kept_with_tracks_hash_no_video(tmp_path, monkeypatch):
    hashed = []
    monkeypatch.setattr(video_tracks, 'file_mark', lambda path: hashed.append(path) or 'mark')
    monkeypatch.setattr(video_tracks, 'config_mark', lambda config: 'mark')
    args = argparse.Namespace(
        input='a.mp4', config='c.py', checkpoint='w.pth', detector=None, detector_checkpoint=None,
        ann=None, bboxes='b.json', whole_image=False, det_cat_ids=[], optimize='fp32',
    )  # fmt: skip
    settings = video_tracks._settings(args, {'flow': 'lk'}, None, 'w.pth')
    assert hashed == [
        'b.json',
        'fp32',
        'w.pth',
    ]
    assert settings['input'].endswith('/a.mp4')


@pytest.mark.parametrize('way', ['--whole-image', 'a list', 'by name', 'results', 'annotations'])
def test_a_video_s_people_are_told_as_to_the_demo(tmp_path, track, way):
    write_video(tmp_path / 'film.mp4', num=3)
    box = [30, 20, 60, 90]
    names = [f'{index:06}.jpg' for index in range(3)]
    content = {
        'a list': [[[30, 20, 90, 110]]] * 3,
        'by name': {name: [[30, 20, 90, 110]] for name in names},
        'results': [{'image_id': index, 'bbox': box, 'score': 0.9} for index in range(3)],
        'annotations': {
            'images': [{'id': index, 'file_name': name} for index, name in enumerate(names)],
            'annotations': [{'image_id': index, 'bbox': box} for index in range(3)],
        },
    }
    people = [way]
    if way in content:
        (tmp_path / 'boxes.json').write_text(json.dumps(content[way]))
        people = ['--bboxes', tmp_path / 'boxes.json']
    out = tmp_path / 'tracks'
    track(tmp_path / 'film.mp4', *people, '--out', out, *LOW, 'propagate_boxes=False')
    frames = read_sequence(json.loads((out / 'film.json').read_text()), 'film')
    assert [frame.people.track_ids.tolist() for frame in frames] == [[0]] * 3


def test_boxes_of_one_video_are_not_given_to_several(tmp_path, track):
    for name in 'ab':
        write_video(tmp_path / f'{name}.mp4', num=2)
    (tmp_path / 'boxes.json').write_text('[[[1, 2, 30, 40]], []]')
    with pytest.raises(
        ValueError, match=r'belongs to one video, but .* contains 2; track them one at'
    ):
        track(tmp_path, '--bboxes', tmp_path / 'boxes.json', '--out', tmp_path / 'tracks')


def test_a_bad_video_does_not_stop_a_folder(tmp_path, track):
    write_video(tmp_path / 'in-b.mp4', num=2)
    (tmp_path / 'in').mkdir()
    (tmp_path / 'in-b.mp4').rename(tmp_path / 'in' / 'b.mp4')
    (tmp_path / 'in' / 'a.mp4').write_text('no video')
    (tmp_path / 'in' / '._b.mp4').write_text('Mac OS X')
    out = tmp_path / 'tracks'
    arguments = [tmp_path / 'in', '--whole-image', '--out', out, *LOW]
    with pytest.raises(ValueError, match=r'1 of 2 videos cannot be tracked:\n  a: cannot open'):
        track(*arguments)
    assert [path.name for path in out.iterdir()] == ['b.json']
    (tmp_path / 'in' / 'c.mp4').write_text('no video')
    with pytest.raises(ValueError, match=r'^cannot open'):
        track(*arguments, '--resume', '--strict')


class EverywhereDetector:
    """Finds one person in the middle of every image."""

    def __call__(self, images: list) -> list[np.ndarray]:
        return [np.array([[30, 20, 90, 110, 0.9]], np.float32) for _ in images]


@pytest.mark.parametrize(
    ('arguments', 'error', 'expected'),
    [
        (['--detector', __file__], ValueError, 'test_track.py needs its --detector-checkpoint'),
        (['--detector', 'a', '--bboxes', 'b'], ValueError, '--detector and --bboxes exclude'),
        (['--whole-image', '--det-cat-ids', '1'], ValueError, 'no effect without --detector'),
        (['--whole-image', '--track-options', 'speed=9'], ValueError, 'has no `speed`; there'),
        (
            ['--whole-image', '--track-options', 'box_threshold=9'],
            ValueError,
            'box_threshold should be from 0 to 1, but is 9',
        ),
        (['--whole-image'], FileNotFoundError, 'no such video or folder: `nowhere`'),
    ],
)
def test_a_mistake_is_told_before_anything_is_built(tmp_path, track, arguments, error, expected):
    with pytest.raises(error) as caught:
        track('nowhere', '--out', tmp_path / 'tracks', *arguments)
    assert expected in str(caught.value)
    assert not (tmp_path / 'tracks').exists()


def test_missing_frames_and_foreign_folders_are_named(root, tmp_path, track):
    ann, boxes = annotated(root)[2], annotated(root)[4]
    with pytest.raises(FileNotFoundError, match='6 of 6 frames are missing, such as'):
        track(tmp_path, '--ann', ann, '--bboxes', boxes, '--out', tmp_path / 'tracks')
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'thesis.txt').touch()
    with pytest.raises(
        ValueError, match=r'contains `thesis.txt`, which is not an earlier prediction'
    ):
        track(*annotated(root), '--out', tmp_path / 'mine')


def test_a_model_of_other_keypoints_is_not_evaluated():
    coco = {'keypoint_id2name': {0: 'nose', 1: 'left_eye'}}
    with pytest.raises(ValueError, match=r'does not estimate right_ankle, .*hrnet_w32_posetrack18'):
        check_evaluable(coco)


def test_the_command_offers_the_variants_there_are():
    assert tuple(VARIANTS) == command.VARIANTS


def test_named_options_go_before_a_variants():
    assert tracking_arguments('mmpose', {'min_similarity': 0.2, 'flow': 'none'}) == {
        **VARIANTS['mmpose'],
        'min_similarity': 0.2,
        'flow': 'none',
    }

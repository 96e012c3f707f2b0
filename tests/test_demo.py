"""The demo from its command line: boxes from anywhere, tracks, and what it says when it cannot."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from hrnet_ext import cli
from hrnet_ext.apis import PoseInferencer
from hrnet_ext.commands.demo import parse_args
from hrnet_ext.formats.metainfo import track_color
from hrnet_ext.inference.box_files import read_boxes
from hrnet_ext.inference.demo import run_demo
from hrnet_ext.inference.frames import Frame
from hrnet_ext.inference.outputs import VideoWriter
from hrnet_ext.visualization.labels import draw_labels
from hrnet_ext.visualization.poses import Skeleton, Style, limb_thickness
from hrnet_ext.visualization.tracks import Trails
from tests.inference_cases import (
    picture,
    pose_config,
    read_video,
    write_pictures,
    write_video,
    write_weights,
)

TOOL = Path(__file__).parents[1] / 'tools' / 'demo.py'


@pytest.fixture(scope='module')
def model(tmp_path_factory) -> list[str]:
    """The arguments that name a small model."""
    folder = tmp_path_factory.mktemp('model')
    pose_config().dump(folder / 'pose.py')
    write_weights(folder / 'pose.pth')
    files = ['--config', str(folder / 'pose.py'), '--checkpoint', str(folder / 'pose.pth')]
    return [*files, '--device', 'cpu']


@pytest.fixture
def demo(model):
    """Runs the command in this process; what it would print."""

    def run(*arguments: str) -> str:
        return run_demo(parse_args([*map(str, arguments), *model]))

    return run


def write_json(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_a_folder_with_boxes_by_name_gives_pictures_and_predictions(demo, tmp_path):
    write_pictures(tmp_path / 'in', 2)
    boxes = {'000.png': [[5, 5, 90, 110], [60, 5, 150, 110]], '001.png': []}
    boxes = write_json(tmp_path / 'boxes.json', boxes)
    out = tmp_path / 'out'
    report = demo(tmp_path / 'in', '--bboxes', boxes, '--out-dir', out, '--kpt-thr', 0)
    assert report.startswith('frames: 2, people: 2, ')
    assert report.endswith(f'see {out}')
    people = [json.loads((out / f'predictions/00{i}.json').read_text()) for i in range(2)]
    assert [len(image) for image in people] == [2, 0]
    drawn = [cv2.imread(str(out / f'visualizations/00{i}.png')) for i in range(2)]
    assert (drawn[0] != picture(0)).any()
    np.testing.assert_array_equal(drawn[1], picture(1))


def test_a_tracked_video_gets_ids(demo, tmp_path, monkeypatch):
    video = write_video(tmp_path / 'clip.mp4')
    boxes = write_json(tmp_path / 'boxes.json', [[[40, 10, 110, 110, 0.9]]] * 6)
    monkeypatch.chdir(tmp_path)
    sure = ['keypoint_threshold=0', 'propagate_boxes=False', 'flow=none']  # it knows no poses yet
    arguments = ['--track', '--draw-bbox', '--bboxes', boxes, '--track-options', *sure]
    assert demo(video, *arguments).startswith('frames: 6, people: 6, ')
    frames = json.loads(Path('work_dirs/demo/predictions/clip.json').read_text())
    assert [frame['instances'][0]['track_id'] for frame in frames] == [0] * 6
    assert len(read_video('work_dirs/demo/visualizations/clip.mp4')[0]) == 6


def test_ways_to_find_people_exclude_each_other(demo, tmp_path):
    detector = tmp_path / 'detector.py'
    detector.touch()
    with pytest.raises(ValueError, match=r'--detector .*detector.py needs its --detector-check'):
        demo('clip.mp4', '--detector', str(detector))
    with pytest.raises(ValueError, match='--detector-checkpoint has no effect without --detector'):
        demo('clip.mp4', '--detector-checkpoint', 'D.pth')
    with pytest.raises(ValueError, match='--bboxes and --whole-image exclude each other'):
        demo('clip.mp4', '--whole-image', '--bboxes', 'boxes.json')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            ['--track-options', 'flow=lk'],
            '--track-options has no effect without --track; add --track',
        ),
        (['--det-cat-ids', '3'], '--det-cat-ids has no effect without --detector'),
        (['--bbox-thr', '0.5'], '--bbox-thr and --nms-thr have no effect with --whole-image'),
        (['--nms-thr', '0'], '--bbox-thr and --nms-thr have no effect'),
        (['--video-codec', 'vp09'], '--video-codec has no effect on images, which `a.jpg` is'),
        (['--track', '--draw-heatmap'], '--draw-heatmap cannot be combined with --track'),
    ],
)
def test_what_would_be_ignored_is_refused(demo, arguments, message):
    with pytest.raises(ValueError, match=message):
        demo('a.jpg', '--whole-image', *arguments)


def test_strict_is_about_images(demo):
    with pytest.raises(ValueError, match='--strict has no effect on a video, which `webcam` is'):
        demo('webcam', '--whole-image', '--strict')


@pytest.mark.parametrize(
    ('option', 'value', 'wanted'),
    [
        ('--batch-size', '0', 'a whole number from 1'),
        ('--radius', '-1', 'a whole number from 0'),
        ('--thickness', '-2', 'a whole number from 1'),
        ('--thickness', '1.5', 'a whole number from 1'),
        ('--det-cat-ids', '-1', 'a whole number from 0'),
        ('--kpt-thr', '1.5', 'a number from 0 to 1'),
        ('--kpt-thr', 'nan', 'a number from 0 to 1'),
        ('--bbox-thr', '-0.1', 'a number from 0 to 1'),
        ('--nms-thr', '7', 'a number from 0 to 1'),
    ],
)
def test_a_number_out_of_its_range_is_told_by_the_parser(demo, capsys, option, value, wanted):
    with pytest.raises(SystemExit):
        demo('a.jpg', '--whole-image', option, value)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if 'error' in line]
    assert line.endswith(f'error: argument {option}: should be {wanted}, but is {value}')


@pytest.fixture
def mixed_folder(tmp_path) -> Path:
    """Two images among hidden files and files that are none."""
    folder = tmp_path / 'in'
    write_pictures(folder, 2)
    whole = (folder / '000.png').read_bytes()
    for name, content in {
        '._000.png': b'Mac OS X', '.hidden.jpg': b'', '002.jpg': b'', '003.jpg': b'some text',
        '004.png': whole[: len(whole) // 2],
    }.items():  # fmt: skip
        (folder / name).write_bytes(content)
    (folder / '005.jpg').mkdir()
    (folder / '006.jpg').symlink_to(folder / 'gone.jpg')
    return folder


def test_bad_files_do_not_stop_a_folder_and_are_named_at_the_end(demo, mixed_folder, tmp_path):
    out = tmp_path / 'out'
    with pytest.raises(ValueError, match='images that cannot be read: 5') as raised:
        demo(mixed_folder, '--whole-image', '--out-dir', out)
    lines = str(raised.value).splitlines()
    for line, name in zip(lines[1:6], ('002.jpg', '003.jpg', '004.png', '005.jpg', '006.jpg')):
        assert f'{mixed_folder}/{name}`' in line
    assert lines[6].startswith('the others are processed: frames: 2, people: 2, ')
    assert len(lines) == 7
    written = sorted(path.name for path in (out / 'predictions').iterdir())
    assert written == ['000.json', '001.json']


def test_the_exit_status_tells_of_bad_files(demo, mixed_folder, tmp_path):
    with pytest.raises(SystemExit) as ended:
        cli.run(lambda: demo(mixed_folder, '--whole-image', '--out-dir', tmp_path / 'out'))
    assert str(ended.value.code).startswith('error: images that cannot be read')  # status 1


def test_strict_stops_at_the_first_bad_file(demo, mixed_folder, tmp_path):
    with pytest.raises(ValueError, match=r'002.jpg` is an empty file'):
        demo(mixed_folder, '--whole-image', '--strict', '--out-dir', tmp_path / 'out')


def test_many_bad_files_are_counted_not_listed(demo, tmp_path):
    (tmp_path / 'in').mkdir()
    for index in range(14):
        (tmp_path / f'in/{index:02}.jpg').touch()
    with pytest.raises(
        ValueError, match=r'cannot be read: 14\n(.|\n)*09.jpg(.|\n)*  and 4 more\n'
    ) as raised:
        demo(tmp_path / 'in', '--whole-image', '--out-dir', tmp_path / 'out')
    assert '10.jpg' not in str(raised.value)


def test_a_single_image_that_cannot_be_read_is_the_error_itself(demo, tmp_path):
    (tmp_path / 'a.jpg').write_text('some text')
    with pytest.raises(ValueError, match=r'^`.*a.jpg` is not an image'):
        demo(tmp_path / 'a.jpg', '--whole-image', '--out-dir', tmp_path / 'out')


@pytest.mark.parametrize(
    'url',
    [
        'http://127.0.0.1:9/a.jpg',
        'http://127.0.0.1:9/a.mp4',
        'rtsp://127.0.0.1:9/camera',
        'webcam:97',
    ],
)
def test_a_dead_address_is_named(demo, url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, OSError), match=f'`{url}`'):
        demo(url, '--whole-image')


def test_ctrl_c_leaves_whole_files_and_one_line(demo, tmp_path, monkeypatch, capsys):
    video = write_video(tmp_path / 'clip.mp4', 12)
    calls = iter([None, None])

    def forward(*arguments, **options):
        if next(calls, 'interrupt'):
            raise KeyboardInterrupt
        return original(*arguments, **options)

    original = PoseInferencer.forward
    monkeypatch.setattr(PoseInferencer, 'forward', forward)
    out = tmp_path / 'out'
    arguments = [video, '--whole-image', '--batch-size', '3', '--out-dir', out]
    with pytest.raises(SystemExit) as ended:
        cli.run(lambda: demo(*arguments))
    assert ended.value.code == 130
    assert 'interrupted; what was saved is whole' in capsys.readouterr().err
    assert len(json.loads((out / 'predictions/clip.json').read_text())) == 6
    assert len(read_video(out / 'visualizations/clip.mp4')[0]) == 6


@pytest.mark.slow
def test_ctrl_c_of_the_process_leaves_whole_files(model, tmp_path):
    video = write_video(tmp_path / 'clip.mp4', 3000)
    out = tmp_path / 'out'
    process = subprocess.Popen(
        [sys.executable, TOOL, video, '--whole-image', '--out-dir', out, *model],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    growing = out / 'predictions/clip.json.partial'
    deadline = time.monotonic() + 120
    while not growing.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.rstrip().endswith('interrupted; what was saved is whole')
    frames = json.loads((out / 'predictions/clip.json').read_text())
    assert 0 < len(frames) == len(read_video(out / 'visualizations/clip.mp4')[0]) < 3000


def frame(path: str, index: int = 0) -> Frame:
    return Frame(index, path, picture())


def test_coco_results_belong_to_images_by_number(tmp_path):
    results = [
        {'image_id': 785, 'category_id': 1, 'bbox': [1, 2, 10, 20], 'score': 0.5},
        {'image_id': 785, 'category_id': 3, 'bbox': [9, 9, 9, 9], 'score': 0.9},
        {'image_id': 2, 'bbox': [0, 0, 5, 5], 'score': 1},
    ]
    boxes = read_boxes(write_json(tmp_path / 'boxes.json', results))
    assert boxes(frame('in/000000000785.jpg')) == [[1, 2, 11, 22, 0.5]]
    assert boxes(frame('000002.jpg', 2)) == [[0, 0, 5, 5, 1]]
    assert boxes(frame('000003.jpg', 3)) == []
    with pytest.raises(ValueError, match=r'`photo.jpg` is not named by a number, .*"photo.jpg": '):
        boxes(frame('photo.jpg'))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{', 'is not JSON'),
        ('3', 'should contain a list or an object of boxes'),
        ('[{"bbox": 3}]', r'results\[0\] lacks image_id, score'),
    ],
)
def test_a_boxes_file_that_is_none_is_named(tmp_path, content, message):
    path = tmp_path / 'boxes.json'
    path.write_text(content)
    with pytest.raises(ValueError, match=f'boxes file .*boxes.json`?.*{message}'):
        read_boxes(path)


ANNOTATIONS = {
    'images': [
        {'id': 7, 'file_name': 'a/1.jpg'},
        {'id': 8, 'file_name': 'b/1.jpg'},
        {'id': 9, 'file_name': 'cat.jpg'},
    ],
    'categories': [{'id': 4, 'name': 'horse'}, {'id': 5, 'name': 'person'}],
    'annotations': [
        {'image_id': 7, 'category_id': 5, 'bbox': [1, 2, 10, 20]},
        {'image_id': 7, 'category_id': 4, 'bbox': [3, 3, 10, 20]},
        {'image_id': 7, 'category_id': 5, 'bbox': [0, 0, 50, 50], 'iscrowd': 1},
        {'image_id': 7, 'category_id': 5, 'bbox': [5, 5, 0, 0]},
        {'image_id': 8, 'category_id': 5, 'bbox': [4, 4, 4, 4]},
    ],
}


def test_an_annotation_file_gives_the_boxes_of_its_people(demo, tmp_path):
    boxes = read_boxes(write_json(tmp_path / 'people.json', ANNOTATIONS))
    assert boxes(frame('data/a/1.jpg')) == [[1, 2, 11, 22]]
    assert boxes(frame('data/b/1.jpg')) == [[4, 4, 8, 8]]
    assert boxes(frame('elsewhere/cat.jpg')) == []
    with pytest.raises(ValueError, match=r'people.json` has no image of the name of `dog.jpg`'):
        boxes(frame('dog.jpg'))
    with pytest.raises(ValueError, match=r'people.json` has 0 images|has no image of the name'):
        boxes(frame('c/1.jpg'))
    without = {**ANNOTATIONS, 'annotations': [{'image_id': 7}]}
    with pytest.raises(ValueError, match=r'annotations\[0\] lacks bbox'):
        read_boxes(write_json(tmp_path / 'other.json', without))
    write_pictures(tmp_path / 'in', 1)
    shown = {**ANNOTATIONS, 'images': [{'id': 7, 'file_name': '000.png'}]}
    path = write_json(tmp_path / 'shown.json', shown)
    report = demo(tmp_path / 'in', '--bboxes', path, '--out-dir', tmp_path / 'out')
    assert report.startswith('frames: 1, people: 1, ')


@pytest.mark.parametrize(
    ('boxes', 'message'),
    [
        ([[1, 2, float('nan'), 4]], r'annotation 0: bbox should be \[x, y, w, h\], four finite'),
        ([[1, 2, 3, 4], ['a', 2, 3, 4]], r'annotation 1: bbox should be'),
        ([[1, 2, 3]], r'annotation 0: bbox should be'),
        (
            [[50, 50, 90, 90]] * 4,
            r'4 of 4 boxes end outside their images if read as \[x, y, w, h\]',
        ),
    ],
)
def test_boxes_of_an_annotation_file_are_checked_as_a_data_sets(boxes, message, tmp_path):
    content = {
        'images': [{'id': 7, 'file_name': 'a.jpg', 'width': 100, 'height': 100}],
        'annotations': [{'image_id': 7, 'bbox': box} for box in boxes],
    }
    with pytest.raises(ValueError, match=message):
        read_boxes(write_json(tmp_path / 'people.json', content))


def test_a_frame_without_an_entry_is_named(tmp_path):
    boxes = read_boxes(write_json(tmp_path / 'boxes.json', {'a.jpg': [[1, 2, 3, 4]]}))
    assert boxes(frame('in/a.jpg')) == [[1, 2, 3, 4]]
    with pytest.raises(ValueError, match=r'the boxes file has no entry `b.jpg`; give'):
        boxes(frame('in/b.jpg'))


def test_labels_stay_inside_of_the_image():
    canvas = np.zeros((60, 80, 3), np.uint8)
    colors = [track_color(0), track_color(1)]
    draw_labels(canvas, np.array([[-20.0, -20], [75, 55]]), ['0  1.00', '1  1.00'], colors)
    assert tuple(canvas[0, 0]) == colors[0]
    labels = [np.argwhere((canvas == color).all(-1)) for color in colors]
    sizes = [np.ptp(points, axis=0).tolist() for points in labels]
    assert sizes[0] == sizes[1]  # neither is cut


def trail_of(trails: Trails, columns: list[int]) -> list[int]:
    """How bright the trail is on the ground at some columns."""
    canvas = np.zeros((60, 160, 3), np.uint8)
    trails.draw(canvas, Style(Skeleton([], [], [])))
    return canvas[30, columns].max(axis=-1).tolist()


def walk(trails: Trails, *columns: int | None) -> None:
    """Let person 7 stand at some columns, a frame each; None leaves a frame without anybody."""
    for x in columns:
        here = [] if x is None else [[x - 15.0, 0, x + 15, 30]]
        trails.update(np.full(len(here), 7), np.reshape(here, (-1, 4)))


def test_a_trail_fades_with_its_age_and_ends_at_its_length():
    trails = Trails(length=4)
    walk(trails, 20, 26, 32, 38, 44)
    oldest, older, newest = trail_of(trails, [29, 35, 41])
    assert 0 < oldest < older < newest < 255
    assert trail_of(trails, [22]) == [0]


def test_a_trail_is_cut_where_its_person_jumps():
    trails = Trails()
    walk(trails, 20, 26, 80, 86, 92, 98)
    assert trail_of(trails, [23, 50]) == [0, 0]
    assert trail_of(trails, [89]) > [0]


def test_a_trail_ends_when_its_person_leaves_and_does_not_come_back():
    trails = Trails()
    walk(trails, 20, 26, 32, 38, None)
    assert trail_of(trails, [29]) == [0]
    walk(trails, 44, 50, 56, 62)
    assert trail_of(trails, [29, 38]) == [0, 0]
    assert trail_of(trails, [53]) > [0]


def test_trails_are_thinner_than_limbs():
    style = Style(Skeleton([], [], []))
    for height, width in ((240, 320), (1080, 1920)):
        trails, side = Trails(), height * 0.8
        for x in (0.4, 0.45):
            box = [x * width, 0.1 * height, x * width + side / 2, 0.1 * height + side]
            trails.update(np.array([1]), np.array([box]))
        canvas = np.zeros((height, width, 3), np.uint8)
        trails.draw(canvas, style)
        thickness = np.count_nonzero(canvas.max(axis=-1).max(axis=1) > 99)
        assert 0 < thickness < limb_thickness(side, canvas.shape, style)


@pytest.mark.parametrize(('name', 'least'), [('thickness', 1), ('radius', 0)])
def test_a_negative_size_is_refused_before_any_work(name, least):
    with pytest.raises(ValueError, match=rf'{name} should be at least {least} .pixels., but is -2'):
        Style(None, **{name: -2})


@pytest.mark.parametrize(
    ('codec', 'tag'),
    [('h264', 'avc1'), ('vp9', 'vp09'), ('mpeg4', 'mp4v'), ('avc1', 'avc1'), ('mp4v', 'mp4v')],
)
def test_every_codec_writes_a_video_of_every_frame(tmp_path, codec, tag):
    import av

    path = tmp_path / 'clip.mp4'
    writer = VideoWriter(path, fps=29.97, size=(161, 121), codec=codec)
    for index in range(5):
        writer.write(np.full((121, 161, 3), 40 * index, np.uint8))
    writer.close()
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.codec_tag == tag
        assert (stream.width, stream.height) == (160, 120)
        assert float(stream.average_rate) == pytest.approx(29.97, abs=0.01)
        levels = [frame.to_ndarray(format='rgb24').mean() for frame in file.decode(video=0)]
    assert levels == pytest.approx([0, 40, 80, 120, 160], abs=3)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ('size', 'codec', 'message'),
    [
        ((1, 64), 'h264', 'a video of 1x64 is too small, 2x2 is least'),
        ((64, 1), 'vp9', 'a video of 64x1 is too small, 2x2 is least'),
        ((16400, 64), 'h264', 'codec h264 and 16400x64 pixels .* up to 16384 .* vp9 more'),
        ((9000, 64), 'mpeg4', 'codec mpeg4 and 9000x64 pixels .* up to 16384 .* vp9 more'),
    ],
)
def test_a_size_that_a_codec_does_not_take_is_one_error_and_leaves_no_file(
    tmp_path, size, codec, message
):
    with pytest.raises(ValueError, match=message):
        VideoWriter(tmp_path / 'clip.mp4', fps=25, size=size, codec=codec)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(('size', 'codec'), [((16384, 4), 'h264'), ((16400, 4), 'vp9')])
def test_the_sizes_that_the_error_recommends_work(tmp_path, size, codec):
    writer = VideoWriter(tmp_path / 'clip.mp4', fps=25, size=size, codec=codec)
    writer.write(np.zeros((size[1], size[0], 3), np.uint8))
    writer.close()
    assert cv2.VideoCapture(str(tmp_path / 'clip.mp4')).get(cv2.CAP_PROP_FRAME_WIDTH) == size[0]


def test_a_codec_that_does_not_exist_is_refused_before_any_frame(demo, tmp_path):
    video = write_video(tmp_path / 'clip.mp4')
    with pytest.raises(ValueError, match="video codec 'divx': there are h264, vp9, mpeg4"):
        demo(video, '--whole-image', '--video-codec', 'divx')

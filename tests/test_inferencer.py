"""The inferencer gives MMPose's poses for the same boxes, and does what MMPose's does not."""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmpose.apis import Pose2DInferencer

from hrnet_ext.acceleration import optimize
from hrnet_ext.apis import PoseInferencer
from hrnet_ext.formats.metainfo import LEFT, RIGHT, track_color
from hrnet_ext.inference import frames
from hrnet_ext.inference.model_choice import find_model
from hrnet_ext.registry import INFERENCERS
from tests.inference_cases import (
    FPS,
    StubDetector,
    picture,
    pose_config,
    random_boxes,
    read_video,
    write_pictures,
    write_video,
    write_weights,
)

BOX = [[20.0, 10, 90, 110]]


@pytest.fixture(scope='module')
def weights(tmp_path_factory) -> str:
    return write_weights(tmp_path_factory.mktemp('weights') / 'pose.pth')


@pytest.fixture(scope='module')
def exact(weights) -> PoseInferencer:
    """Ours, computing as MMPose does."""
    return PoseInferencer(pose_config(), weights, 'cpu', det_model='whole_image', optimize=False)


@pytest.fixture(scope='module')
def inferencer(weights) -> PoseInferencer:
    """Ours as it comes."""
    return PoseInferencer(pose_config(), weights, 'cpu', det_model='whole_image')


@pytest.fixture(scope='module')
def reference(weights) -> Pose2DInferencer:
    """MMPose's; tests give it a detector."""
    found = Pose2DInferencer(pose_config(), weights, 'cpu', det_model='whole_image')
    found.det_cat_ids = (0,)
    return found


def counted(inferencer: PoseInferencer) -> list[int]:
    """Crops, mirrored ones included, of every forward pass from now on."""
    calls: list[int] = []
    inferencer.model.backbone.register_forward_pre_hook(
        lambda _, inputs: calls.append(len(inputs[0]))
    )
    return calls


def plain(instances: list[dict]) -> list[dict]:
    """As JSON gives them back."""
    return json.loads(json.dumps(instances, default=lambda value: value.item()))


def test_poses_and_files_equal_mmpose_s_for_the_same_boxes(exact, reference, tmp_path):
    paths = write_pictures(tmp_path / 'in')
    boxes = [random_boxes(3, 1), random_boxes(1, 2), random_boxes(4, 3)]
    reference.detector = StubDetector(boxes)
    options = {'return_vis': True, 'draw_bbox': True, 'radius': 2, 'kpt_thr': 0.1}
    wanted = list(reference(paths, out_dir=str(tmp_path / 'a'), nms_thr=1, **options))
    ordered = [of_image[np.argsort(-of_image[:, 4])] for of_image in boxes]
    found = list(exact(paths, bboxes=ordered, out_dir=str(tmp_path / 'b'), **options))
    for one, other in zip(found, wanted, strict=True):
        assert plain(one['predictions'][0]) == plain(other['predictions'][0])
        assert one['visualization'][0].shape == other['visualization'][0].shape
    assert [len(result['predictions'][0]) for result in found] == [3, 1, 4]
    for name in ('predictions/000.json', 'predictions/002.json'):
        contents = [json.loads((tmp_path / run / name).read_text()) for run in 'ab']
        assert contents[0] == contents[1]
    for result, name in zip(found, ('000.png', '001.png', '002.png')):
        drawn = cv2.imread(str(tmp_path / 'b/visualizations' / name))
        np.testing.assert_array_equal(drawn[..., ::-1], result['visualization'][0])


def test_a_detector_s_boxes_are_chosen_by_mmpose_s_rules(exact, reference):
    boxes = np.vstack([random_boxes(30), random_boxes(8, 5) * [1, 1, 1, 1, 0.3]]).astype(np.float32)
    reference.detector = StubDetector([boxes])
    (wanted,) = reference(picture())
    exact.detector = lambda images: [boxes]
    (found,) = exact(picture())
    exact.detector = None
    assert plain(found['predictions'][0]) == plain(wanted['predictions'][0])
    assert 5 < len(found['predictions'][0]) < 30


@pytest.mark.parametrize('options', [{'pose_based_nms': True}, {'merge_results': False}])
def test_further_arguments_mean_what_they_mean_to_mmpose(exact, reference, options):
    boxes = random_boxes(6)
    boxes[1:3, :4] = boxes[0, :4] + [[0.5], [1]]
    boxes = boxes[np.argsort(-boxes[:, 4])]
    reference.detector = StubDetector([boxes])
    (wanted,) = reference(picture(), nms_thr=1, **options)
    (found,) = exact(picture(), bboxes=boxes, **options)
    assert len(found['predictions']) == len(wanted['predictions'])
    for one, other in zip(found['predictions'], wanted['predictions']):
        assert plain(one) == plain(other)


def test_heatmaps_are_drawn_as_mmpose_draws_them(exact, reference):
    reference.detector = StubDetector([random_boxes(2)])
    options = {'draw_heatmap': True, 'return_vis': True, 'black_background': True}
    (wanted,) = reference(picture(), nms_thr=1, **options)
    boxes = random_boxes(2)
    (found,) = exact(picture(), bboxes=boxes[np.argsort(-boxes[:, 4])], **options)
    np.testing.assert_array_equal(found['visualization'][0][120:], wanted['visualization'][0][120:])
    (nobody,) = exact(picture(), bboxes=[], **options)
    assert nobody['visualization'][0].shape == wanted['visualization'][0].shape


def test_mmpose_s_own_metainfo_is_drawn_in_our_colors(weights):
    config = pose_config()
    config.test_dataloader.dataset.metainfo = {'from_file': 'configs/_base_/datasets/coco.py'}
    theirs = PoseInferencer(config, weights, 'cpu', det_model='whole_image')
    (result,) = theirs(picture(), return_vis=True, kpt_thr=-9, black_background=True)
    drawn = {tuple(color) for color in result['visualization'][0].reshape(-1, 3).tolist()}
    assert {LEFT, RIGHT} <= drawn
    assert not drawn & {(0, 255, 0), (255, 128, 0), (51, 153, 255)}


def test_openpose_colors_do_not_outlast_the_call(exact):
    (before, openpose, after) = (
        next(exact(picture(), bboxes=BOX, return_vis=True, kpt_thr=0, skeleton_style=style))
        for style in ('mmpose', 'openpose', 'mmpose')
    )
    np.testing.assert_array_equal(before['visualization'], after['visualization'])
    assert (before['visualization'][0] != openpose['visualization'][0]).any()


def test_the_optimized_model_changes_heatmaps_by_less_than_1e_4_of_their_maximum(exact, weights):
    crops = torch.randn(3, 3, 128, 96)
    quick = optimize(PoseInferencer(pose_config(), weights, 'cpu', optimize=False).model)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in quick.backbone.modules())
    with torch.no_grad():
        found, wanted = (model(crops, None, mode='tensor') for model in (quick, exact.model))
    assert (found - wanted).abs().max() < 1e-4 * wanted.abs().max()


def test_ten_people_are_one_forward_pass_and_so_are_several_frames(inferencer):
    calls = counted(inferencer)
    list(inferencer(picture(), bboxes=random_boxes(10)))
    assert calls == [20]  # each crop and its mirror image
    images = [picture(seed) for seed in range(4)]
    boxes = [random_boxes(num, num) for num in (3, 0, 2, 4)]
    together = list(inferencer(images, bboxes=boxes, batch_size=3))
    assert calls == [20, 10, 8]
    assert [len(result['predictions'][0]) for result in together] == [3, 0, 2, 4]
    for image, of_image, result in zip(images, boxes, together):
        (alone,) = inferencer(image, bboxes=of_image)
        for one, other in zip(result['predictions'][0], alone['predictions'][0], strict=True):
            np.testing.assert_allclose(one['keypoints'], other['keypoints'], atol=1e-3)


def test_max_people_limits_a_forward_pass(weights):
    inferencer = PoseInferencer(pose_config(), weights, 'cpu', max_people=4)
    calls = counted(inferencer)
    (result,) = inferencer(picture(), bboxes=random_boxes(10))
    assert calls == [6, 6, 8]
    assert len(result['predictions'][0]) == 10
    with pytest.raises(ValueError, match='max_people should be at least 1, but is 0'):
        PoseInferencer(pose_config(), weights, 'cpu', max_people=0)


@pytest.mark.parametrize(
    'bboxes',
    [
        [10, 20, 60, 100],  # one box
        [[10, 20, 60, 100]],
        [[[10, 20, 60, 100]]],  # a list for each image
        np.array([[10, 20, 60, 100]]),
        np.array([[[10, 20, 60, 100.0]]]),
        [np.array([[10, 20, 60, 100, 1.0]])],
        lambda frame: [[10, 20, *np.subtract(frame.size, (100, 20))]],
    ],
)
def test_a_box_may_be_given_in_many_ways(inferencer, bboxes):
    (result,) = inferencer(picture(), bboxes=bboxes)
    (person,) = result['predictions'][0]
    assert plain([person])[0]['bbox'] == [[10, 20, 60, 100]]
    assert person['bbox_score'] == 1


def test_two_boxes_in_two_poses_out(inferencer):
    boxes = [[60, 5, 120, 100], [10, 5, 50, 90]]
    (result,) = inferencer(picture(), bboxes=boxes)
    assert [list(person['bbox'][0]) for person in result['predictions'][0]] == boxes


def test_where_nobody_is_found_nobody_is_returned(inferencer, tmp_path):
    calls = counted(inferencer)
    (given,) = inferencer(picture(), bboxes=[], return_vis=True, return_datasamples=True)
    (sample,) = given['predictions']
    assert sample.pred_instances.keypoints.shape == (0, 17, 2)
    np.testing.assert_array_equal(given['visualization'][0], picture()[..., ::-1])
    inferencer.detector = lambda images: [np.zeros((0, 5), np.float32)] * len(images)
    results = list(inferencer([picture()] * 2, batch_size=2, draw_bbox=True, return_vis=True))
    inferencer.detector = None
    assert [result['predictions'] for result in results] == [[[]], [[]]]
    assert calls == []


def test_the_whole_image_is_one_person_s_box_if_asked_for(inferencer):
    (result,) = inferencer(picture())
    assert list(result['predictions'][0][0]['bbox'][0]) == [0, 0, 160, 120]


@pytest.mark.parametrize(
    ('bboxes', 'message'),
    [
        ([[1, 1, 9, 9], [5, 5, 5, 9]], r'`000000.jpg`: box 1 has no area: \[5.0, 5.0, 5.0, 9.0\]'),
        ([[160, 5, 170, 9]], r'box 0 is outside the image \(160x120\): \[160.0, 5.0'),
        ([[5, -9, 17, 0]], r'box 0 is outside the image'),
        ([[5, 5, np.nan, 9]], r'box 0.* finite, but are .*nan'),
        ([[90, 5, 50, 60]], r'box 0 ends before it begins: .* not \(x, y, w, h\)'),
        ([[1, 2, 3]], r'boxes should be \(N, 4\), .* but are \(1, 3\)'),
        ([[1, 2, 3, 4], [1, 2]], r'boxes should be \(N, 4\), .* but are \[\[1, 2, 3, 4\], \[1, 2'),
        ([[[1, 1, 9, 9]], [[1, 1, 9, 9]]], r'bboxes has 2 entries, but there are 1 images'),
        (7, r'bboxes should be boxes, a list of them or a function, but is int'),
    ],
)
def test_what_is_no_box_is_refused_by_name(inferencer, bboxes, message):
    with pytest.raises(ValueError, match=message):
        list(inferencer(picture(), bboxes=bboxes))


def test_detected_boxes_without_a_pixel_are_left_out_with_one_warning(inferencer, mmengine_log):
    bad = [[5, 5, 5, 9, 0.9], [200, 5, 220, 9, 0.9]]
    boxes = [[[1, 1, 90, 90, 0.8], *bad], [*bad, [1, 1, 90, 90, 0.2]]]
    results = list(inferencer([picture()] * 2, bboxes=boxes))
    assert [len(result['predictions'][0]) for result in results] == [1, 1]
    (record,) = mmengine_log.records
    assert 'image `000000.jpg`: detected box 1 has no area: [5.0, 5.0, 5.0, 9.0]' in record.message
    (kept,) = inferencer(picture(), bboxes=boxes[1], bbox_thr=0.3)
    assert kept['predictions'] == [[]]


def test_images_come_from_paths_folders_arrays_and_lists(inferencer, tmp_path):
    paths = write_pictures(tmp_path / 'in', 2)
    (tmp_path / 'in' / 'notes').write_text('no image')
    gray = picture(0)[..., 0]
    for inputs, num in (
        (paths[0], 1),
        (Path(paths[0]), 1),
        (str(tmp_path / 'in'), 2),
        ([paths[1], picture(0), tmp_path / 'in', gray], 5),
        ([], 0),
    ):
        assert len(list(inferencer(inputs))) == num


@pytest.mark.parametrize(
    ('inputs', 'error', 'message'),
    [
        ('none.jpg', FileNotFoundError, 'no such file or folder: `none.jpg`'),
        ('plain', ValueError, 'cannot tell what `plain` is: it has no extension; images end in'),
        ('some.xyz', ValueError, 'its extension `.xyz` is unknown; images end in .jpg'),
        ('empty', ValueError, 'folder `empty` contains no image'),
        ('text.jpg', ValueError, '`text.jpg` is not an image'),
        ('text.mp4', ValueError, r'cannot open `text.mp4`: its 5 bytes are not a video'),
        (['text.mp4'], ValueError, '`text.mp4` in a list is a video; give videos one at a time'),
        ([3], ValueError, 'input 0 should be a path or an array, but is int'),
        (3, ValueError, 'inputs should be a path, an array or a list of these, but are int'),
        (
            np.zeros((4, 4, 3)),
            ValueError,
            'input 0 should be .* but is .* float64; scale its values',
        ),
        (np.zeros((2, 4, 4, 3), np.uint8), ValueError, r'input 0 should .* but is \(2, 4, 4, 3\)'),
        ('webcam:x', ValueError, 'a webcam is `webcam` or `webcam:NUMBER`, but got `webcam:x`'),
        ('webcam:97', ValueError, 'cannot open `webcam:97`: is the camera plugged in'),
    ],
)
def test_inputs_that_are_none_are_named(inferencer, tmp_path, monkeypatch, inputs, error, message):
    monkeypatch.chdir(tmp_path)
    for name in ('plain', 'some.xyz', 'text.jpg', 'text.mp4'):
        Path(name).write_text('hello')
    Path('empty').mkdir()
    with pytest.raises(error, match=message):
        list(inferencer(inputs))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'batch_size': 0}, 'batch_size should be at least 1, but is 0'),
        ({'out': 'x'}, 'unknown argument'),
        ({'vis_out_dir': 'a.png'}, 'vis_out_dir of images should be a folder, but is `a.png`'),
        ({'tracking': 'yes'}, "tracking should be True or a dict of options, but is 'yes'"),
        ({'tracking': True, 'draw_heatmap': True}, 'tracking cannot be combined'),
        ({'skeleton_style': 'cubist'}, 'skeleton_style'),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(inferencer, options, message):
    with pytest.raises(ValueError, match=message):
        inferencer([picture()] * 2, **options)


def test_no_output_overwrites_an_input_or_another_output(inferencer, tmp_path):
    (path,) = write_pictures(tmp_path, 1)
    with pytest.raises(ValueError, match=r'000.png` would be overwritten by its own drawing'):
        inferencer(path, vis_out_dir=str(tmp_path))
    (twin,) = write_pictures(tmp_path / 'b', 1)
    with pytest.raises(ValueError, match='would both be written as 000; process them in two calls'):
        inferencer([path, twin], pred_out_dir=str(tmp_path / 'out'))
    video = write_video(tmp_path / 'clip.mp4')
    with pytest.raises(ValueError, match=r'clip.mp4` would be overwritten'):
        inferencer(video, vis_out_dir=str(tmp_path))


def test_a_video_gives_poses_a_video_and_one_json_file(inferencer, tmp_path):
    video = write_video(tmp_path / 'clip.avi', codec='MJPG')
    boxes = [random_boxes(index % 3, index) for index in range(6)]
    options = {'bboxes': boxes, 'batch_size': 4, 'out_dir': str(tmp_path / 'out')}
    results = list(inferencer(video, return_vis=True, kpt_thr=0, **options))
    assert [len(result['predictions'][0]) for result in results] == [0, 1, 2, 0, 1, 2]
    written = json.loads((tmp_path / 'out/predictions/clip.json').read_text())
    assert written == [
        {'frame_id': index, 'instances': plain(result['predictions'][0])}
        for index, result in enumerate(results)
    ]
    frames, fps = read_video(tmp_path / 'out/visualizations/clip.mp4')
    assert (len(frames), fps) == (6, FPS)
    for frame, result in zip(frames, results):
        difference = frame[..., ::-1].astype(int) - result['visualization'][0]
        assert np.abs(difference).mean() < 12  # lossy, but that frame
    assert sorted(path.name for path in (tmp_path / 'out').rglob('*.*')) == [
        'clip.json',
        'clip.mp4',
    ]


def test_too_few_boxes_for_a_video_keep_the_poses_so_far(inferencer, tmp_path):
    video = write_video(tmp_path / 'clip.mp4')
    results = inferencer(video, bboxes=[BOX] * 2, batch_size=4, pred_out_dir=str(tmp_path / 'out'))
    with pytest.raises(ValueError, match=r'bboxes has 2 entries, none for frame 2 of `clip.mp4`'):
        list(results)
    assert len(json.loads((tmp_path / 'out/clip.json').read_text())) == 2


def test_a_video_that_ends_early_keeps_its_poses_and_says_so(inferencer, tmp_path, mmengine_log):
    content = Path(write_video(tmp_path / 'clip.avi', 30, 'MJPG')).read_bytes()
    (tmp_path / 'cut.avi').write_bytes(content[: len(content) // 2])
    results = list(
        inferencer(str(tmp_path / 'cut.avi'), batch_size=4, pred_out_dir=str(tmp_path / 'out'))
    )
    assert 5 < len(results) < 25
    assert len(json.loads((tmp_path / 'out/cut.json').read_text())) == len(results)
    warning = next(record.message for record in mmengine_log.records if record.levelno == 30)
    assert f'ends early: frame {len(results) - 1} is the last that can be read of the 30' in warning


def test_an_unreadable_image_does_not_cost_those_before_it(inferencer, tmp_path):
    paths = write_pictures(tmp_path / 'in', 3)
    Path(paths[2]).write_text('broken')
    results = inferencer(paths, batch_size=8, out_dir=str(tmp_path / 'out'))
    with pytest.raises(ValueError, match=r'002.png` is not an image'):
        list(results)
    names = sorted(path.name for path in (tmp_path / 'out').rglob('*.*'))
    assert names == ['000.json', '000.png', '001.json', '001.png']


def test_unreadable_images_are_reported_and_left_out_if_asked_to(inferencer, tmp_path):
    paths = write_pictures(tmp_path / 'in', 3)
    Path(paths[1]).write_text('broken')
    inputs = [paths[0], str(tmp_path / 'none.jpg'), paths[1], picture(), paths[2]]
    boxes = [[[10, 10, 20 + 10 * index, 90]] for index in range(5)]
    bad: dict[str, Exception] = {}
    results = inferencer(
        inputs, bboxes=boxes, batch_size=2, return_datasamples=True, on_unreadable=bad.setdefault
    )
    samples = [result['predictions'][0] for result in results]
    assert list(bad) == [str(tmp_path / 'none.jpg'), paths[1]]
    assert f'cannot read image `{tmp_path}/none.jpg`: [Errno 2]' in str(bad[inputs[1]])
    assert [sample.img_path for sample in samples] == [paths[0], '000003.jpg', paths[2]]
    found = [sample.pred_instances.bboxes[0, 2] for sample in samples]
    assert found == [20, 50, 60]  # each has its own boxes


def test_a_file_that_may_not_be_read_is_named(inferencer, tmp_path, monkeypatch):
    (path,) = write_pictures(tmp_path, 1)

    def refuse(*_: object, **__: object):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('hrnet_ext.datasets.transforms.LoadImage._content', refuse)
    with pytest.raises(OSError, match=rf'cannot read image `{path}`: \[Errno 13\] Permission'):
        list(inferencer(path))


class StalledCamera:
    """What ``cv2.VideoCapture`` is for a stream that stalls after two frames."""

    def __init__(self) -> None:
        self.left, self.is_released, self.ended = 2, False, threading.Event()

    def isOpened(self) -> bool:
        return True

    def get(self, _: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        if self.left < 0:
            self.ended.wait()
        return True, picture()

    def release(self) -> None:
        self.is_released = True


def test_a_stalled_stream_does_not_hold_the_run_up(inferencer, tmp_path, monkeypatch):
    camera = StalledCamera()
    monkeypatch.setattr(frames, 'GRACE', 0.1)
    monkeypatch.setattr(cv2, 'VideoCapture', lambda where: camera)
    results = inferencer('rtsp://camera/1', bboxes=[BOX] * 9, pred_out_dir=str(tmp_path))
    next(results)
    next(results)
    timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert time.monotonic() - begin < 5
    assert len(json.loads((tmp_path / '1.json').read_text())) == 2
    assert not camera.is_released  # not under the reader's hands
    (reader,) = [thread for thread in threading.enumerate() if thread.name == 'read_ahead']
    assert reader.daemon  # it does not keep the process
    camera.ended.set()
    reader.join(10)


def test_an_address_that_does_not_answer_does_not_hold_ctrl_c_up(inferencer, monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(frames, 'GRACE', 0.1)
    monkeypatch.setattr(cv2, 'VideoCapture', lambda where: answers.wait())
    threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        inferencer('rtsp://camera/1')
    assert time.monotonic() - begin < 5
    answers.set()


@pytest.mark.parametrize('end', ['interrupt', 'close', 'drop'])
def test_whatever_ends_a_run_its_files_are_whole(inferencer, tmp_path, monkeypatch, end):
    video = write_video(tmp_path / 'clip.mp4', 12)
    results = inferencer(video, bboxes=[BOX] * 12, out_dir=str(tmp_path / 'out'))
    for _ in range(3):
        next(results)
    growing = tmp_path / 'out/predictions/clip.json.partial'
    assert len(json.loads(growing.read_text())) == 3  # whole even if the process were killed now
    if end == 'interrupt':

        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(inferencer, 'forward', interrupt)
        with pytest.raises(KeyboardInterrupt):
            next(results)
    elif end == 'close':
        results.close()
    else:
        del results
    assert len(json.loads((tmp_path / 'out/predictions/clip.json').read_text())) == 3
    assert len(read_video(tmp_path / 'out/visualizations/clip.mp4')[0]) == 3
    assert not list((tmp_path / 'out').rglob('*partial*'))
    assert not [thread for thread in threading.enumerate() if thread.name == 'read_ahead']


class Camera:
    """What ``cv2.VideoCapture`` is for a camera that gives three frames."""

    def __init__(self, number: int) -> None:
        assert number == 1
        self.left = 3

    def isOpened(self) -> bool:
        return True

    def get(self, _: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        return (True, picture()) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.left = 0


def test_a_camera_is_recorded(inferencer, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(cv2, 'VideoCapture', lambda where: Camera(where))
        results = inferencer('webcam:1', bboxes=[BOX] * 3, pred_out_dir=str(tmp_path))
        assert len(list(results)) == 3
    assert len(json.loads((tmp_path / 'webcam.json').read_text())) == 3


def test_a_window_shows_each_picture_until_escape_is_pressed(inferencer, monkeypatch):
    shown, keys = [], iter([-1, 27, -1])
    monkeypatch.setattr(cv2, 'getBuildInformation', lambda: '  GUI:      QT5\n')
    monkeypatch.setattr(cv2, 'imshow', lambda title, image: shown.append(image))
    monkeypatch.setattr(cv2, 'waitKey', lambda milliseconds: next(keys))
    images = [picture(seed) for seed in range(3)]
    assert len(list(inferencer(images, bboxes=[[]] * 3, show=True))) == 2
    np.testing.assert_array_equal(shown, images[:2])
    monkeypatch.setattr(cv2, 'getBuildInformation', lambda: '  GUI:      NONE\n')
    with pytest.raises(ValueError, match=r'show needs windows, .* install opencv-python'):
        inferencer(images, show=True)


def test_tracked_people_keep_their_ids_and_leave_trails(inferencer, tmp_path):
    video = write_video(tmp_path / 'clip.mp4')
    boxes = [[[80 - 2 * i, 10, 150 - 2 * i, 110, 0.9], [10, 20, 60, 100, 0.3]] for i in range(6)]
    tracking = {'keypoint_threshold': 0.0, 'propagate_boxes': False, 'min_similarity': 0.0}
    options = {'bboxes': boxes, 'batch_size': 4, 'return_vis': True, 'kpt_thr': 9}
    results = list(inferencer(video, tracking=tracking, pred_out_dir=str(tmp_path), **options))
    assert [[p['track_id'] for p in result['predictions'][0]] for result in results] == [[0]] * 6
    written = json.loads((tmp_path / 'clip.json').read_text())
    assert [frame['instances'][0]['track_id'] for frame in written] == [0] * 6
    last = results[5]['visualization'][0].astype(int)
    color = np.array(track_color(0))
    for index in range(1, 6):  # where the middle of the box's lower edge has been
        frame = read_video(video)[0][5][110, 116 - 2 * index, ::-1].astype(int)
        is_nearer = np.abs(last[110, 116 - 2 * index] - color).sum() < np.abs(frame - color).sum()
        assert is_nearer, index
    again = list(inferencer(video, tracking=tracking, **options))
    assert [result['predictions'][0][0]['track_id'] for result in again] == [0] * 6


def test_calls_that_overlap_keep_their_settings(inferencer):
    options = {'bboxes': BOX, 'return_vis': True, 'kpt_thr': 0}
    (alone,) = inferencer(picture(), skeleton_style='openpose', **options)
    first = inferencer(picture(), skeleton_style='openpose', **options)
    inferencer(picture(), draw_heatmap=True, **options)
    (result,) = first
    np.testing.assert_array_equal(result['visualization'], alone['visualization'])


def test_poses_are_the_same_tracked_or_not(inferencer):
    boxes = random_boxes(3)
    boxes[:, :4] = boxes[:, :4].clip(0, 119)
    loose = {'keypoint_threshold': 0, 'box_threshold': 0, 'box_nms_threshold': 1}
    tracking = {**loose, 'pose_nms_threshold': None}
    (tracked,) = inferencer(picture(), bboxes=boxes, tracking=tracking)
    (untracked,) = inferencer(picture(), bboxes=boxes)
    for one, other in zip(tracked['predictions'][0], untracked['predictions'][0], strict=True):
        np.testing.assert_allclose(one['keypoints'], other['keypoints'], atol=1e-3)
        assert one['bbox'] == other['bbox']


def test_models_are_found_by_name_and_by_registry(weights):
    found = INFERENCERS.build(
        {
            'type': 'hrnet_ext.PoseInferencer',
            'model': 'hrnet_synthetic',
            'weights': 'random',
            'det_model': 'whole_image',
            'device': 'cpu',
        }
    )
    assert type(found) is PoseInferencer
    with pytest.raises(FileNotFoundError, match=r'config file not found: configs/none.py'):
        PoseInferencer('configs/none.py')
    with pytest.raises(
        FileNotFoundError, match=r'hrnet_synthetics.*close.* MMPose has no such model'
    ):
        PoseInferencer('hrnet_synthetics')
    config, url = find_model('td-hm_hrnet-w32_8xb64-210e_coco-256x192', None)
    assert config.model.backbone.type == 'HRNet'
    assert url.startswith('https://')

"""What `--show-dir` and `--show` draw: whole images with everybody and the ground truth."""

import argparse
import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from hrnet_ext.datasets.body import CocoDataset
from hrnet_ext.engine import PoseVisualizationHook, visualization_hook
from hrnet_ext.engine.run_config import set_drawing
from hrnet_ext.formats.metainfo import LEFT, RIGHT
from hrnet_ext.visualization import comparison
from hrnet_ext.visualization.comparison import PeopleByImage
from tests.tiny_coco import write_coco
from tests.tiny_run import make_config, start

HOOK = 'hrnet_ext.PoseVisualizationHook'


@pytest.fixture
def root(tmp_path) -> Path:
    """A folder with the tiny data set: three images of two people each."""
    write_coco(tmp_path / 'data')
    return tmp_path


@pytest.fixture
def config(root):
    """A test of a tiny network that draws into `drawn`; each batch holds one person."""
    found = make_config(root)
    found.default_hooks.visualization = dict(type=HOOK, enable=True, out_dir='drawn', kpt_thr=-9)
    found.test_dataloader.batch_size = 1
    return found


def drawings(root: Path) -> dict[str, np.ndarray]:
    """What was drawn, by path below the run's folder, in RGB."""
    files = sorted((root / 'work').glob('*/drawn/**/*.png'))
    names = [file.relative_to(file.parents[-1]).as_posix().split('/drawn/')[1] for file in files]
    return {name: cv2.imread(str(file))[..., ::-1] for name, file in zip(names, files)}


def samples_of(dataset: CocoDataset) -> list:
    """What a perfect network would hand over."""
    samples = [dataset[i]['data_samples'] for i in range(len(dataset))]
    for sample in samples:
        sample.pred_instances = sample.gt_instances.clone()
        sample.pred_instances.keypoint_scores = sample.gt_instances.keypoints_visible
    return samples


def build(root: Path, **options) -> CocoDataset:
    """The tiny data set, with MMPose's samples."""
    pipeline = [
        {'type': 'hrnet_ext.LoadImage'},
        {'type': 'mmpose.GetBBoxCenterScale'},
        {'type': 'mmpose.PackPoseInputs'},
    ]
    return CocoDataset(
        'people.json',
        data_root=str(root / 'data'),
        data_prefix={'img': 'images/'},
        pipeline=pipeline,
        test_mode=True,
        **options,
    )


def test_a_test_draws_one_image_per_image_with_the_truth_beside(root, config):
    start(config, 'test')
    found = drawings(root)
    assert list(found) == ['000001.png', '000002.png', '000003.png']
    for drawing in found.values():
        truth, prediction = np.array_split(drawing, 2, axis=1)
        assert truth.shape[1] > 300  # enlarged
        for half in (truth, prediction):
            assert all((half == color).all(-1).any() for color in (LEFT, RIGHT))


def test_every_second_image_is_drawn_if_asked_for(root, config):
    config.default_hooks.visualization.interval = 2
    start(config, 'test')
    assert list(drawings(root)) == ['000001.png', '000003.png']


def test_a_validation_of_a_training_has_a_folder_of_its_own(root, config):
    config.default_hooks.visualization.interval = 3
    start(config, 'train')
    assert list(drawings(root)) == ['epoch_1/000001.png']


def test_without_a_folder_the_backends_get_the_drawings(root, config):
    config.default_hooks.visualization.pop('out_dir')
    config.visualizer = {
        'type': 'PoseLocalVisualizer',
        'vis_backends': [{'type': 'LocalVisBackend'}],
    }
    start(config, 'test')
    files = (root / 'work').glob('*/vis_data/vis_image/*.png')
    assert sorted(file.name for file in files) == ['000001_0.png', '000002_0.png', '000003_0.png']


def test_detected_boxes_are_drawn_beside_the_annotated_people(root, config):
    config.test_dataloader.dataset.bbox_file = 'boxes.json'
    boxes = json.loads((root / 'data/boxes.json').read_text())
    (root / 'data/boxes.json').write_text(json.dumps(boxes[1:]))  # one person is not detected
    start(config, 'test')
    truth, _ = np.array_split(drawings(root)['000001.png'], 2, axis=1)
    left_person, right_person = np.array_split(truth, 2, axis=1)
    for half in (left_person, right_person):
        assert (half == LEFT).all(-1).any()


def test_an_image_is_given_as_soon_as_it_is_complete_in_any_order(root):
    dataset = build(root)
    samples = samples_of(dataset)
    people = PeopleByImage(dataset, 1)
    given = [[image.name for image in people.add([samples[i]])] for i in (5, 0, 4, 1, 1, 2)]
    assert given == [[], [], ['000003.png'], ['000001.png'], [], []]
    (rest,) = people.rest()  # a test that ended early
    assert (rest.name, len(rest.prediction['keypoints'])) == ('000002.png', 1)


def test_people_of_an_image_from_two_processes_come_together(root, monkeypatch):
    dataset = build(root)
    samples = samples_of(dataset)
    processes = [PeopleByImage(dataset, 1) for _ in range(2)]
    # batches of three: the second image is torn apart
    given = [
        [image.name for image in people.add(part)]
        for people, part in zip(processes, (samples[:3], samples[3:]))
    ]
    assert given == [['000001.png'], ['000003.png']]
    parts = [(people._waiting, people._given) for people in processes]
    monkeypatch.setattr(comparison, 'all_gather_object', lambda part: parts)
    (image,) = processes[0].rest()
    assert image.name == '000002.png'
    assert len(image.truth['keypoints']) == len(image.prediction['keypoints']) == 2
    monkeypatch.setattr(comparison, 'is_main_process', lambda: False)
    assert list(processes[1].rest()) == []


def test_images_of_a_data_set_that_cannot_be_counted_come_at_the_end(root):
    dataset = build(root)
    people = PeopleByImage(SimpleNamespace(metainfo=dataset.metainfo), 1)
    assert list(people.add(samples_of(dataset))) == []
    assert [(image.name, len(image.truth['keypoints'])) for image in people.rest()] == [
        ('000001.png', 2),
        ('000002.png', 2),
        ('000003.png', 2),
    ]


def test_a_window_shows_drawings_until_it_is_closed(root, monkeypatch):
    shown, answers = [], iter([True, False])

    def show(drawing, title, wait_time):
        shown.append(wait_time)
        return next(answers)

    monkeypatch.setattr(visualization_hook, 'check_windows', lambda: None)
    monkeypatch.setattr(visualization_hook, 'show_image', show)
    hook = PoseVisualizationHook(enable=True, show=True, wait_time=0.5)
    dataset = build(root)
    loop = SimpleNamespace(
        dataloader=SimpleNamespace(dataset=dataset),
        evaluator=SimpleNamespace(dataset_meta=dataset.metainfo),
    )
    runner = SimpleNamespace(test_loop=loop)
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, None, samples_of(dataset))
    hook.after_test_epoch(runner)
    assert shown == [0.5, 0.5]


def test_an_interval_below_one_is_refused():
    with pytest.raises(ValueError, match=r'interval should be at least 1 \(images\), but is 0'):
        PoseVisualizationHook(interval=0)


def test_the_tools_draw_by_this_hook_where_a_config_has_mmpose_s(config):
    config.default_hooks.visualization = dict(type='PoseVisualizationHook', enable=False)
    args = argparse.Namespace(show=False, show_dir='vis', interval=7, wait_time=None)
    set_drawing(config, args)
    wanted = dict(type=HOOK, enable=True, show=False, out_dir='vis', interval=7)
    assert config.default_hooks.visualization == wanted

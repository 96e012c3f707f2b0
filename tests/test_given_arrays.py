"""Boxes and images are taken alike, and refused alike, by inferencer, session and tracker."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from hrnet_ext.apis import PoseInferencer
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.formats.images import as_bgr
from hrnet_ext.tracking import PoseTracker
from tests.export_cases import export, small_config
from tests.inference_cases import picture, write_video

BOX = [10.0, 20.0, 60.0, 100.0]
Estimate = Callable[[np.ndarray, object], np.ndarray]


@pytest.fixture(scope='module')
def entrances(tmp_path_factory) -> dict[str, Estimate]:
    """Everything that takes an image and boxes: to keypoints (N, K, 2)."""
    path, model, _ = export(small_config(), tmp_path_factory.mktemp('exported'), 'torchscript')
    inferencer = PoseInferencer(
        small_config(), 'random', 'cpu', det_model='whole_image', optimize='off'
    )
    inferencer.model.load_state_dict(model.state_dict())
    session = PoseSession(path)

    def call(image: np.ndarray, boxes: object) -> np.ndarray:
        (result,) = inferencer(image, bboxes=boxes)
        people = result['predictions'][0]
        return np.array([person['keypoints'] for person in people]).reshape(-1, 17, 2)

    def track(image: np.ndarray, boxes: object) -> np.ndarray:
        tracker = PoseTracker(
            lambda frame, given: session(frame, given),
            sigmas=session.metadata.keypoints.sigmas,
            box_threshold=0,
            keypoint_threshold=0,
        )
        return tracker.update(image, boxes).keypoints

    return {
        'inferencer': call,
        'estimate': lambda image, boxes: inferencer.estimate(image, boxes)[0],
        'session': lambda image, boxes: session(image, boxes)[0],
        'tracker': track,
    }


@pytest.fixture(params=['inferencer', 'estimate', 'session', 'tracker'])
def entrance(request, entrances) -> Estimate:
    return entrances[request.param]


@pytest.mark.parametrize(
    'boxes',
    [
        BOX,
        [*BOX, 0.9],
        tuple(BOX),
        np.array(BOX),
        torch.tensor(BOX),
        [BOX],
        [[*BOX, 0.9]],
        np.array([BOX], np.float16),
        torch.tensor([BOX], dtype=torch.bfloat16),
        torch.tensor([[*BOX, 0.9]], requires_grad=True),
        [torch.tensor(BOX)],
        [[torch.tensor(value) for value in BOX]],
    ],
)
def test_a_box_is_taken_in_every_form(entrance, boxes):
    np.testing.assert_array_equal(entrance(picture(), boxes), entrance(picture(), [BOX]))


class OnGpu:
    """What a tensor on a GPU looks like to those who do not import PyTorch."""

    def __init__(self, values: list, device: str = 'cuda') -> None:
        self.values, self.device = values, device

    def __array__(self, *_: object) -> np.ndarray:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def detach(self) -> OnGpu:
        return self

    def cpu(self) -> torch.Tensor:
        return torch.tensor(self.values)


def test_boxes_on_a_gpu_are_fetched(entrance):
    np.testing.assert_array_equal(
        entrance(picture(), OnGpu([BOX])), entrance(picture(), np.array([BOX]))
    )


@pytest.mark.parametrize('nobody', [[], (), np.zeros((0, 4)), np.zeros((0, 5)), torch.zeros(0, 4)])
def test_nobody_is_nobody(entrance, nobody):
    assert entrance(picture(), nobody).shape == (0, 17, 2)


@pytest.mark.parametrize(
    'make',
    [
        lambda image: image[..., 0],
        lambda image: image[..., :1],
        lambda image: np.dstack([image, image[..., 0]]),
        lambda image: image[:, ::-1][:, ::-1],
    ],
    ids=['(H, W)', '(H, W, 1)', 'BGRA', 'not contiguous'],
)
def test_gray_bgr_and_bgra_images_are_taken(entrance, make):
    image = make(picture())
    if image.ndim == 2 or image.shape[2] == 1:
        wanted = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    else:
        wanted = np.ascontiguousarray(image[..., :3])
    np.testing.assert_array_equal(as_bgr(image), wanted)
    np.testing.assert_array_equal(entrance(image, [BOX]), entrance(wanted, [BOX]))


@pytest.mark.parametrize(
    ('boxes', 'message'),
    [
        ([1, 2, 3], r'boxes should be \(N, 4\), x1 y1 x2 y2, or .*, but are \(3,\)'),
        ([BOX, [1, 2]], r'boxes should be .* but are \[\[10.0'),
        ([[1, 2, np.inf, 4]], 'box 0: coordinates and score should be finite, but are'),
        ([BOX, [90, 5, 50, 60]], r'box 1 ends before it begins: .* not \(x, y, w, h\)'),
    ],
)
def test_what_is_no_box_is_refused_in_the_same_words(entrance, boxes, message):
    with pytest.raises(ValueError, match=message):
        entrance(picture(), boxes)


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (picture()[..., :2], r'should be \(H, W, 3\) BGR, .* but is \(120, 160, 2\) uint8'),
        (picture().astype(np.float32), 'float32; scale its values to 0 to 255'),
        (picture().astype(np.uint16), r'uint16; convert it by \(image / 257\)'),
    ],
)
def test_what_is_no_image_is_refused_in_the_same_words(entrance, image, message):
    with pytest.raises(ValueError, match=message):
        entrance(image, [BOX])


def test_the_boxes_of_one_image_are_not_taken_for_those_of_a_video(tmp_path):
    video = write_video(tmp_path / 'clip.mp4')
    inferencer = PoseInferencer(
        small_config(), 'random', 'cpu', det_model='whole_image', optimize='off'
    )
    for boxes in (BOX, [BOX, BOX], torch.tensor([BOX])):
        with pytest.raises(ValueError, match=r'those of one image, but `clip.mp4` is a video'):
            inferencer(video, bboxes=boxes)
    results = list(inferencer(video, bboxes=torch.tensor([BOX] * 6)))
    assert [len(result['predictions'][0]) for result in results] == [1] * 6

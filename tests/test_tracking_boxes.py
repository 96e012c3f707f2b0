"""Boxes: around keypoints by hand, IoU and NMS as torchvision's."""

import numpy as np
import pytest
import torch
from torchvision import ops

from hrnet_ext.tracking.boxes import box_areas, box_iou, box_nms, boxes_around, clip_boxes
from hrnet_ext.tracking.poses import PROPAGATED
from hrnet_ext.tracking.propagation import Candidates, detected, unify


def random_boxes(seed: int, num: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (num, 2))
    return np.concatenate([corner, corner + rng.uniform(0, 60, (num, 2))], axis=1)


def test_a_box_around_keypoints_grows_by_15_percent_about_its_middle():
    keypoints = np.array([[[10.0, 20], [110, 220], [60, 90], [-999, 999]]])
    present = np.array([[True, True, True, False]])
    # 100 wide and 200 high: 7.5 and 15 more on each side.
    np.testing.assert_allclose(boxes_around(keypoints, present), [[2.5, 5, 117.5, 235]])
    np.testing.assert_allclose(boxes_around(keypoints, present, extension=0), [[10, 20, 110, 220]])


def test_a_box_around_one_keypoint_is_a_point_and_around_none_is_nowhere():
    keypoints = np.array([[[10.0, 20], [30, 40]], [[10.0, 20], [30, 40]]])
    boxes = boxes_around(keypoints, np.array([[False, True], [False, False]]))
    np.testing.assert_array_equal(boxes, [[30, 40, 30, 40], [np.nan] * 4])


def test_no_poses_have_no_boxes():
    assert boxes_around(np.zeros((0, 17, 2)), np.zeros((0, 17), bool)).shape == (0, 4)


def test_clipping_keeps_what_is_in_the_frame_and_nothing_of_what_is_not():
    boxes = np.array([[-5.0, 10, 20, 500], [10, 10, 20, 20], [700, 10, 800, 20]])
    clipped = clip_boxes(boxes, (640, 480))
    np.testing.assert_array_equal(clipped, [[0, 10, 20, 479], [10, 10, 20, 20], [639, 10, 639, 20]])
    np.testing.assert_array_equal(box_areas(clipped) > 0, [True, True, False])


def test_iou_equals_torchvisions():
    boxes, others = random_boxes(0, 40), random_boxes(1, 30)
    expected = ops.box_iou(torch.from_numpy(boxes), torch.from_numpy(others)).numpy()
    np.testing.assert_allclose(box_iou(boxes, others), expected, rtol=1e-12, atol=1e-15)


def test_boxes_of_no_area_have_no_iou_with_anything():
    point = np.array([[3.0, 3, 3, 3]])
    np.testing.assert_array_equal(box_iou(point, point), [[0]])
    np.testing.assert_array_equal(box_iou(point, np.array([[0.0, 0, 9, 9]])), [[0]])


@pytest.mark.parametrize('threshold', [0.0, 0.3, 0.6, 1.0])
def test_nms_keeps_what_torchvision_keeps(threshold):
    boxes, scores = random_boxes(2, 80), np.random.default_rng(3).permutation(80) / 80
    kept = ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold)
    np.testing.assert_array_equal(box_nms(boxes, scores, threshold), np.sort(kept.numpy()))


def test_of_equal_boxes_with_equal_scores_the_first_is_kept():
    boxes = np.repeat([[0.0, 0, 10, 10]], 3, axis=0)
    np.testing.assert_array_equal(box_nms(boxes, np.array([0.5, 0.5, 0.5]), 0.5), [0])
    np.testing.assert_array_equal(box_nms(boxes, np.array([0.5, 0.7, 0.7]), 0.5), [1])


def test_nms_of_nothing_is_nothing():
    assert box_nms(np.zeros((0, 4)), np.zeros(0), 0.5).tolist() == []


def test_unifying_prefers_the_better_box_and_the_detectors_where_they_tie():
    near = np.array([[0.0, 0, 100, 100], [200, 0, 300, 100], [400, 0, 500, 100]])
    found = detected(near, np.array([0.6, 0.9, 0.8]))
    brought = Candidates(near + 3, np.array([0.9, 0.9, 0.4]), np.full(3, PROPAGATED))
    kept = unify([found, brought], threshold=0.5, iou=0.5)
    # The better of the first pair, the detector's of the second; the third has one good enough.
    np.testing.assert_array_equal(kept.sources, [1, 2, PROPAGATED])
    np.testing.assert_array_equal(kept.boxes, [near[1], near[2], near[0] + 3])
    np.testing.assert_array_equal(kept.scores, [0.9, 0.8, 0.9])


def test_a_box_that_scores_just_the_threshold_is_kept():
    found = detected(random_boxes(0, 2), np.array([0.5, 0.49]))
    assert unify([found], threshold=0.5, iou=1.0).sources.tolist() == [0]

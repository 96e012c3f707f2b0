"""mmcv's NMS wrappers on our operators: equal to loops that spell the definitions out."""

import math

import numpy as np
import pytest
import torch
from mmcv.ops import batched_nms, bbox_overlaps, nms, nms_match, soft_nms

from hrnet_ext.compat import mmcv_ops

KINDS = ['whole pixels', 'fractions', 'equal scores']


def random_boxes(kind, num, seed):
    """`num` boxes (x1, y1, x2, y2), some without area, and their scores."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(num, 2, generator=generator) * 40
    size = torch.rand(num, 2, generator=generator) * 20
    scores = torch.rand(num, generator=generator)
    if kind != 'fractions':
        corner, size = corner.floor(), size.floor()
    if kind == 'equal scores':
        scores = (scores * 5).round() / 5
    return torch.cat([corner, corner + size], dim=1), scores


def overlap(a, b, offset=0):
    """Intersection over union in float32, as the operators compute it."""
    one, zero = np.float32(offset), np.float32(0)
    a, b = np.float32(a), np.float32(b)
    width = max(zero, min(a[2], b[2]) - max(a[0], b[0]) + one)
    height = max(zero, min(a[3], b[3]) - max(a[1], b[1]) + one)
    areas = [(box[2] - box[0] + one) * (box[3] - box[1] + one) for box in (a, b)]
    union = areas[0] + areas[1] - width * height
    return width * height / union if union else zero


def naive_nms(boxes, scores, threshold, offset):
    kept = []
    for index in scores.sort(0, descending=True)[1].tolist():
        overlaps = [overlap(boxes[other], boxes[index], offset) for other in kept]
        if all(value <= np.float32(threshold) for value in overlaps):
            kept.append(index)
    return kept


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.0, 0.3, 0.5, 0.7])
def test_nms_keeps_what_no_better_box_overlaps(kind, offset, threshold):
    for seed in range(5):
        boxes, scores = random_boxes(kind, 30, seed)
        dets, kept = nms(boxes, scores, threshold, offset)
        assert kept.tolist() == naive_nms(boxes, scores, threshold, offset)
        assert torch.equal(dets, torch.cat([boxes, scores[:, None]], dim=1)[kept])


def test_an_overlap_of_exactly_the_threshold_stays():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 7]])  # overlap 0.7, rounded as 0.7 is
    assert nms(boxes, torch.tensor([0.9, 0.8]), 0.7)[1].tolist() == [0, 1]


def test_the_offset_makes_neighboring_pixels_overlap():
    boxes = torch.tensor([[0.0, 0, 4, 4], [4, 0, 8, 4]])  # share one column of pixels, no area
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.1, offset=0)[1].tolist() == [0, 1]
    assert nms(boxes, scores, 0.1, offset=1)[1].tolist() == [0]  # 5 / 45 of the pixels


def test_score_threshold_and_max_num_of_the_wrapper():
    boxes = torch.tensor([[0.0, 0, 1, 1], [2, 0, 3, 1], [4, 0, 5, 1], [6, 0, 7, 1]])
    scores = torch.tensor([0.2, 0.9, 0.05, 0.5])
    assert nms(boxes, scores, 0.5, score_threshold=0.1)[1].tolist() == [1, 3, 0]
    assert nms(boxes, scores, 0.5, score_threshold=0.1, max_num=2)[1].tolist() == [1, 3]


def test_no_boxes_no_result():
    boxes, scores = torch.zeros(0, 4), torch.zeros(0)
    for dets, kept in (
        nms(boxes, scores, 0.5),
        soft_nms(boxes, scores),
        nms(boxes, scores, 0.5, 1),
    ):
        assert dets.shape == (0, 5)
        assert kept.tolist() == []


def test_numpy_in_numpy_out():
    dets, kept = nms(np.float32([[0, 0, 2, 2], [0, 0, 2, 2]]), np.float32([0.1, 0.2]), 0.5)
    assert isinstance(dets, np.ndarray)
    assert kept.tolist() == [1]


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_boxes(dtype):
    boxes = torch.tensor([[0.0, 0, 8, 8], [0, 0, 8, 7], [20, 20, 28, 28]], dtype=dtype)
    kept = mmcv_ops.nms(
        boxes, torch.tensor([0.5, 0.25, 1], dtype=dtype), iou_threshold=0.5, offset=0
    )
    assert kept.tolist() == [2, 0]


def test_batched_nms_keeps_classes_apart():
    boxes, scores = random_boxes('fractions', 60, 0)
    classes = torch.arange(60) % 3
    dets, kept = batched_nms(boxes, scores, classes, {'type': 'nms', 'iou_threshold': 0.3})
    wanted = set()
    for number in range(3):
        members = torch.nonzero(classes == number)[:, 0]
        alone = naive_nms(boxes[members], scores[members], 0.3, 0)
        wanted |= set(members[alone].tolist())
    assert set(kept.tolist()) == wanted
    assert torch.equal(dets[:, 4], scores[kept])
    assert dets[:, 4].tolist() == sorted(dets[:, 4].tolist(), reverse=True)


def test_batched_nms_splits_large_inputs_alike():
    boxes, scores = random_boxes('fractions', 60, 1)
    classes = torch.arange(60) % 3
    whole = batched_nms(boxes, scores, classes, {'type': 'nms', 'iou_threshold': 0.3})
    split = batched_nms(boxes, scores, classes, {'iou_threshold': 0.3, 'split_thr': 10})
    assert whole[1].tolist() == split[1].tolist()


def naive_soft_nms(boxes, scores, threshold, sigma, min_score, method, offset):
    """Picked (index, score) in order."""
    remaining = {index: float(score) for index, score in enumerate(scores)}
    picked = []
    while remaining:
        best = max(remaining, key=remaining.get)
        picked.append((best, remaining.pop(best)))
        for index in list(remaining):
            value = overlap(boxes[best], boxes[index], offset)
            beyond = value >= np.float32(threshold)
            factor = {
                'naive': 0 if beyond else 1,
                'linear': 1 - value if beyond else 1,
                'gaussian': math.exp(-value * value / sigma),
            }[method]
            remaining[index] *= float(factor)
            if remaining[index] < min_score:
                del remaining[index]
    return picked


@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
@pytest.mark.parametrize('offset', [0, 1])
def test_soft_nms_lowers_scores_by_overlap(method, offset):
    for seed in range(5):
        boxes, scores = random_boxes('fractions', 25, seed)
        dets, picked = soft_nms(
            boxes, scores, 0.3, sigma=0.4, min_score=0.05, method=method, offset=offset
        )
        wanted = naive_soft_nms(boxes, scores, 0.3, 0.4, 0.05, method, offset)
        assert picked.tolist() == [index for index, _ in wanted]
        assert torch.equal(dets[:, :4], boxes[picked])
        torch.testing.assert_close(
            dets[:, 4], torch.tensor([score for _, score in wanted]), rtol=1e-5, atol=1e-6
        )


def test_soft_nms_picks_ties_in_the_order_that_dropping_leaves():
    # The first is picked; the second is dropped, and the last box takes its place before the third.
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4], [10, 0, 14, 4], [20, 0, 24, 4]])
    scores = torch.tensor([0.9, 0.5, 0.5, 0.5])
    _, picked = soft_nms(boxes, scores, 0.5, method='naive', min_score=0.1)
    assert picked.tolist() == [0, 3, 2]


def test_soft_nms_of_boxes_without_area_changes_nothing():
    boxes = torch.tensor([[3.0, 1, 3, 1], [3, 1, 3, 1]])
    dets, picked = soft_nms(boxes, torch.tensor([0.4, 0.5]), method='gaussian')
    assert picked.tolist() == [1, 0]
    torch.testing.assert_close(dets[:, 4], torch.tensor([0.5, 0.4]))


def test_soft_nms_leaves_its_arguments_alone():
    boxes, scores = random_boxes('fractions', 10, 0)
    before = boxes.clone(), scores.clone()
    soft_nms(boxes, scores)
    assert torch.equal(boxes, before[0])
    assert torch.equal(scores, before[1])


def test_nms_match_groups_every_box_under_the_best_that_overlaps_it():
    boxes, scores = random_boxes('fractions', 40, 3)
    groups = nms_match(torch.cat([boxes, scores[:, None]], dim=1), 0.3)
    assert sorted(index for group in groups for index in group.tolist()) == list(range(40))
    leaders = [int(group[0]) for group in groups]
    assert scores[leaders].tolist() == sorted(scores[leaders].tolist(), reverse=True)
    for group in groups:
        leader, *others = group.tolist()
        earlier = leaders[: leaders.index(leader)]
        for other in others:
            assert overlap(boxes[leader], boxes[other]) >= 0.3
            assert all(overlap(boxes[better], boxes[other]) < 0.3 for better in earlier)


@pytest.mark.parametrize('offset', [0, 1])
def test_overlaps_of_all_pairs_and_of_rows(offset):
    first, _ = random_boxes('fractions', 6, 0)
    second, _ = random_boxes('fractions', 4, 1)
    wanted = torch.tensor([[float(overlap(a, b, offset)) for b in second] for a in first])
    ious = torch.zeros(6, 4)
    mmcv_ops.bbox_overlaps(first, second, ious, mode=0, aligned=False, offset=offset)
    torch.testing.assert_close(ious, wanted)
    rows = torch.zeros(4)
    mmcv_ops.bbox_overlaps(first[:4], second, rows, mode=0, aligned=True, offset=offset)
    torch.testing.assert_close(rows, wanted[:4].diagonal())


def test_overlap_with_the_foreground():
    boxes = torch.tensor([[0.0, 0, 4, 4]])
    assert bbox_overlaps(boxes, torch.tensor([[0.0, 0, 2, 4]]), mode='iof').item() == 0.5

"""Crops are OpenCV's and MMPose's to the bit, whatever way they are made."""

import cv2
import numpy as np
import pytest
from mmpose.structures.bbox import get_warp_matrix

from hrnet_ext.datasets.transforms import warping
from hrnet_ext.datasets.transforms.warping import MARGIN, looked_up, warp, warp_matrix

SIZES = ((192, 256), (96, 128), (256, 256), (48, 37))


def random_matrix(rng, shape, size, angle):
    """Of a box somewhere in a picture (H, W), or beside it."""
    height = rng.uniform(8, 900)
    scale = np.array([height * size[0] / size[1], height])
    return get_warp_matrix(rng.uniform(-0.3, 1.3, 2) * shape[::-1], scale, angle, size)


def picture(rng, shape, dtype=np.uint8):
    return (rng.random(shape) * 255).astype(dtype)


def opencvs(image, matrix, size):
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)


VIEWS = {
    'as it is': lambda image: image,
    'mirrored': lambda image: image[:, ::-1],
    'upside down': lambda image: image[::-1],
    'both': lambda image: image[::-1, ::-1],
    'a part': lambda image: image[3:-2, 5:-1],
}


@pytest.mark.parametrize('view', VIEWS)
@pytest.mark.parametrize(
    ('channels', 'dtype'),
    [((3,), np.uint8), ((3,), np.float32), ((), np.uint8), ((4,), np.uint8), ((1,), np.uint8)],
    ids=str,
)
def test_pixels_are_opencvs(view, channels, dtype):
    rng = np.random.default_rng(0)
    for trial in range(24):
        shape = tuple(rng.integers(9, 300, 2))
        image = VIEWS[view](picture(rng, (*shape, *channels), dtype))
        size = SIZES[trial % 4]
        matrix = random_matrix(rng, shape, size, rng.uniform(-180, 180) * (trial % 3 > 0))
        expected = opencvs(np.ascontiguousarray(image), matrix, size)
        found = warp(image, matrix, size)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, strict=True)


def test_what_lies_on_the_canvas_from_before_is_not_seen(monkeypatch):
    rng = np.random.default_rng(1)
    dirty = []

    def canvas(shape, dtype):
        dirty.append(np.full(shape, 255, dtype))
        return dirty[-1]

    monkeypatch.setattr(warping, '_canvas', canvas)
    for trial in range(40):
        image = np.zeros((rng.integers(20, 400), rng.integers(20, 400), 3), np.uint8)
        matrix = random_matrix(rng, image.shape[:2], (96, 128), rng.uniform(-90, 90))
        assert not warp(image[:, :: 1 - 2 * (trial % 2)], matrix, (96, 128)).any()
    assert len(dirty) > 30


def test_only_what_is_looked_up_matters():
    rng = np.random.default_rng(2)
    clipped = 0
    for _ in range(40):
        shape = tuple(rng.integers(50, 400, 2))
        matrix = random_matrix(rng, shape, (96, 128), rng.uniform(-180, 180))
        image, box = picture(rng, (*shape, 3)), looked_up(matrix, (96, 128), shape)
        elsewhere = 255 - image
        if box:
            elsewhere[box] = image[box]
            clipped += elsewhere[box].size < image.size
        np.testing.assert_array_equal(
            opencvs(image, matrix, (96, 128)), opencvs(elsewhere, matrix, (96, 128))
        )
    assert clipped > 10


def test_looked_up_is_the_box_and_a_margin():
    upright = get_warp_matrix(np.array([100.0, 60.0]), np.array([30.0, 40.0]), 0, (96, 128))
    rows, columns = looked_up(upright, (96, 128), (200, 300))
    expected = (85 - MARGIN, 115 + MARGIN, 40 - MARGIN, 80 + MARGIN)
    found = (columns.start, columns.stop, rows.start, rows.stop)
    assert np.abs(np.subtract(found, expected)).max() <= 1  # rounded outwards
    assert looked_up(upright, (96, 128), (30, 300)) is None  # the picture ends above the box
    assert looked_up(np.zeros((2, 3)), (96, 128), (200, 300)) is None


@pytest.mark.parametrize('matrix', [np.zeros((2, 3)), np.full((2, 3), np.nan)], ids=['0', 'nan'])
def test_a_map_that_is_none_ends_where_opencvs_does(matrix):
    image = picture(np.random.default_rng(3), (40, 50, 3))
    np.testing.assert_array_equal(warp(image, matrix, (9, 8)), opencvs(image, matrix, (9, 8)))


def test_four_channels_are_used_where_they_are_worth_it(monkeypatch):
    used = []

    def canvas(shape, dtype):
        used.append(shape)
        return np.empty(shape, dtype)

    monkeypatch.setattr(warping, '_canvas', canvas)
    warp(np.zeros((90, 90, 3), np.uint8), np.eye(2, 3), (96, 128))
    assert used == [(90, 90, 4)] * warping.four_channels_agree()
    used.clear()
    tiny = np.array([[0.01, 0, 0], [0, 0.01, 0]])  # all of a large picture in a tiny input
    warp(np.zeros((900, 900, 3), np.uint8), tiny, (9, 9))
    assert not used


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_matrices_are_mmposes(dtype):
    rng = np.random.default_rng(4)
    for trial in range(2000):
        center, scale = rng.uniform(-200, 2000, 2), rng.uniform(1, 1500, 2)
        angle = [0.0, rng.uniform(-180, 180), np.float32(rng.uniform(-90, 90))][trial % 3]
        size = SIZES[trial % 4]
        arguments = center.astype(dtype), scale.astype(dtype), angle, size
        np.testing.assert_array_equal(
            warp_matrix(*arguments), get_warp_matrix(*arguments), strict=True
        )

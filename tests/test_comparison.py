"""Pictures: every keypoint where it belongs, left and right in colours of their own."""

import pickle

import cv2
import numpy as np
import pytest

from hrnet_ext.apis.draw_dump import OVERVIEW, draw_dump
from hrnet_ext.apis.run_config import read_config
from hrnet_ext.visualization.comparison import (
    LEFT,
    MIDDLE,
    MIN_HEIGHT,
    RIGHT,
    STRIP,
    Skeleton,
    contact_sheet,
    draw_people,
    side_by_side,
)

SKELETON = Skeleton(names=['nose', 'left_hip', 'right_hip'], links=[(0, 1), (1, 2)])
POINTS = np.array([[[20.0, 10.0], [40.0, 60.0], [10.0, 60.0]]])


def blank(height=80, width=64):
    """A black picture."""
    return np.zeros((height, width, 3), np.uint8)


def test_keypoints_have_their_sides_colour_and_the_picture_given_stays():
    image = blank()
    canvas = draw_people(image, POINTS, drawn=np.ones((1, 3), bool), skeleton=SKELETON)
    for (x, y), color in zip(POINTS[0].astype(int), (MIDDLE, LEFT, RIGHT)):
        assert tuple(canvas[y, x]) == color
    assert not image.any()


def test_hidden_keypoints_take_their_limbs_with_them():
    drawn = np.array([[True, False, False]])
    canvas = draw_people(blank(), POINTS, drawn=drawn, skeleton=SKELETON)
    assert canvas[5:16, 15:26].any()
    assert not canvas[20:].any()


def test_limbs_take_a_side_only_if_both_ends_are_on_it():
    assert SKELETON.color(1, 2) == MIDDLE
    assert SKELETON.color(0, 1) == MIDDLE
    assert Skeleton(names=['left_hip', 'left_knee'], links=[]).color(0, 1) == LEFT


def test_truth_is_on_the_left_prediction_on_the_right_and_small_pictures_grow():
    nothing = np.zeros((1, 3), bool)
    picture = side_by_side(blank(), (POINTS, ~nothing), (POINTS + 4, nothing), skeleton=SKELETON)
    scale = MIN_HEIGHT / 80
    assert picture.shape[0] == MIN_HEIGHT + 2 * STRIP
    x, y = np.rint((POINTS[0, 1] + 0.5) * scale - 0.5).astype(int)
    assert tuple(picture[STRIP + y, x]) == LEFT
    right_half = picture[STRIP:-STRIP, picture.shape[1] // 2 + 4 :]
    assert not right_half.any()


def test_a_sheet_holds_every_picture():
    pictures = [np.full((10, 20, 3), value, np.uint8) for value in (1, 2, 3)]
    sheet = contact_sheet(pictures)
    assert sheet.shape == (20, 40, 3)
    assert [sheet[0, 0, 0], sheet[0, 20, 0], sheet[10, 0, 0]] == [1, 2, 3]


def test_a_dump_becomes_a_picture_an_image_and_a_sheet(tmp_path):
    rng = np.random.default_rng(0)
    samples = []
    for i in range(3):
        path = str(tmp_path / f'{i // 2}.jpg')
        cv2.imwrite(path, blank())
        keypoints = rng.random((1, 17, 2)) * 60
        seen = {'keypoints': keypoints, 'keypoints_visible': np.ones((1, 17))}
        found = {'keypoints': keypoints, 'keypoint_scores': rng.random((1, 17))}
        samples.append({'img_path': path, 'gt_instances': seen, 'pred_instances': found})
    (tmp_path / 'dump.pkl').write_bytes(pickle.dumps(samples))
    config = read_config('hrnet_w32_coco', [])
    paths = draw_dump(config, str(tmp_path / 'dump.pkl'), str(tmp_path / 'out'))
    assert [path.name for path in paths] == [OVERVIEW, '0.png', '1.png']
    overview, *pictures = [cv2.imread(str(path)) for path in paths]
    assert np.array_equal(overview, contact_sheet(pictures))


@pytest.mark.parametrize(
    'content', [b'', b'not a pickle', pickle.dumps([{'x': 1}]), pickle.dumps([])]
)
def test_what_is_no_dump_is_named(content, tmp_path):
    dump = tmp_path / 'dump.pkl'
    dump.write_bytes(content)
    with pytest.raises(ValueError, match=r'dump\.pkl'):
        draw_dump(read_config('hrnet_w32_coco', []), str(dump), str(tmp_path))

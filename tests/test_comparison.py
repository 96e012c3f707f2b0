"""Drawings: every keypoint where it belongs, left and right in colors of their own."""

import pickle

import cv2
import numpy as np
import pytest

from hrnet_ext.engine.run_config import read_config
from hrnet_ext.formats.metainfo import BOX, INK, LEFT, MIDDLE, RIGHT, track_color
from hrnet_ext.inference.draw_dump import OVERVIEW, draw_dump
from hrnet_ext.visualization.comparison import (
    MIN_HEIGHT,
    STRIP,
    contact_sheet,
    gather,
    side_by_side,
)
from hrnet_ext.visualization.poses import Skeleton, Style, draw_poses, limb_thickness

SKELETON = Skeleton.of(
    {
        'num_keypoints': 3,
        'keypoint_id2name': {0: 'nose', 1: 'left_hip', 2: 'right_hip'},
        'flip_indices': [0, 2, 1],
        'skeleton_links': [(0, 1), (1, 2)],
    }
)
STYLE = Style(SKELETON)
POINTS = np.array([[[20.0, 10.0], [40.0, 60.0], [10.0, 60.0]]])


def blank(height=80, width=64):
    """A black image."""
    return np.zeros((height, width, 3), np.uint8)


def people(scores=(1, 1, 1), **further):
    """One person, predicted."""
    return {'keypoints': POINTS, 'keypoint_scores': np.array([scores], float), **further}


def colors_of(canvas):
    """All colors of an image."""
    return {tuple(color) for color in canvas.reshape(-1, 3).tolist()}


def test_keypoints_have_their_side_s_color_an_outline_and_the_image_given_stays():
    image = np.full((80, 64, 3), 255, np.uint8)
    canvas = draw_poses(image, people(), STYLE)
    for (x, y), color in zip(POINTS[0].astype(int), (MIDDLE, LEFT, RIGHT)):
        assert tuple(canvas[y, x]) == color
        assert canvas[y - 3 : y, x].min(axis=1).min() < 100  # dark around it, on white paper
    assert (image == 255).all()


def test_hidden_keypoints_take_their_limbs_with_them():
    canvas = draw_poses(blank(), people((1, 0.2, 0.2)), STYLE)
    assert canvas[5:16, 15:26].any()
    assert not canvas[20:].any()
    nowhere = people(keypoints=np.where(POINTS == 60, np.nan, POINTS))
    np.testing.assert_array_equal(draw_poses(blank(), nowhere, STYLE), canvas)


def test_ground_truth_is_drawn_where_it_is_visible_whatever_the_threshold():
    truth = {'keypoints': POINTS, 'keypoints_visible': np.array([[1, 0, 0]])}
    for threshold in (0, 9):
        canvas = draw_poses(blank(), truth, Style(SKELETON, min_score=threshold))
        assert canvas[5:16, 15:26].any()
        assert not canvas[20:].any()


def test_limbs_are_as_thick_as_person_and_image_allow():
    small, large = (240, 320, 3), (1080, 1920, 3)
    assert [limb_thickness(side, small, STYLE) for side in (30, 200, 1000)] == [1, 2, 2]
    assert [limb_thickness(side, large, STYLE) for side in (30, 300, 2000)] == [2, 4, 6]
    assert limb_thickness(30, small, Style(SKELETON, thickness=9)) == 9


def test_a_box_has_no_limb_s_color():
    boxes = np.array([[4.0, 4, 56, 72]])
    canvas = draw_poses(blank(), people((0, 0, 0), bboxes=boxes), Style(SKELETON, draw_boxes=True))
    assert tuple(canvas[40, 4]) == BOX
    assert not colors_of(canvas) & {LEFT, RIGHT, MIDDLE}


def test_tracked_people_have_one_color_and_their_id():
    tracked = people(track_ids=np.array([3]), bboxes=np.array([[4.0, 14, 56, 72]]))
    colors = colors_of(draw_poses(blank(), tracked, STYLE))
    assert track_color(3) in colors
    assert not colors & {LEFT, RIGHT, MIDDLE}


def test_scores_are_written_if_asked_for_of_predictions_alone():
    style = Style(SKELETON, draw_scores=True)
    truth = {'keypoints': POINTS, 'keypoints_visible': np.ones((1, 3))}
    plain, scored = (draw_poses(blank(), people(), each) for each in (STYLE, style))
    assert (plain != scored).any()
    np.testing.assert_array_equal(draw_poses(blank(), truth, style), plain)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'thickness': -2}, r'thickness should be at least 1 \(pixels\), but is -2'),
        ({'thickness': 0}, 'thickness should be at least 1'),
        ({'radius': -1}, 'radius should be at least 0'),
    ],
)
def test_a_thickness_or_radius_below_its_least_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Style(SKELETON, **options)


def test_truth_is_on_the_left_prediction_on_the_right_and_small_images_grow():
    truth = {'keypoints': POINTS, 'keypoints_visible': np.ones((1, 3))}
    drawing = side_by_side(blank(), truth, people((0, 0, 0)), STYLE)
    strip = round(STRIP * MIN_HEIGHT)
    assert drawing.shape[0] == MIN_HEIGHT + 2 * strip
    x, y = np.rint((POINTS[0, 1] + 0.5) * MIN_HEIGHT / 80 - 0.5).astype(int)
    assert tuple(drawing[strip + y, x]) == LEFT
    right_half = drawing[strip:-strip, drawing.shape[1] // 2 + 4 :]
    assert not right_half.any()


def test_the_legend_shows_the_colors_of_left_right_and_middle():
    drawing = side_by_side(blank(), None, people((0, 0, 0)), STYLE)
    legend = drawing[-round(STRIP * MIN_HEIGHT) :]
    assert {LEFT, RIGHT, MIDDLE, INK} <= colors_of(legend)


def test_without_ground_truth_the_prediction_stands_alone():
    alone = side_by_side(blank(), None, people(), STYLE)
    both = side_by_side(
        blank(), {**people(), 'keypoints_visible': np.ones((1, 3))}, people(), STYLE
    )
    assert alone.shape[1] < both.shape[1] / 1.9
    dummies = {'keypoints': 0 * POINTS, 'keypoints_visible': np.ones((1, 3))}  # of detected boxes
    np.testing.assert_array_equal(side_by_side(blank(), dummies, people(), STYLE), alone)


def test_people_of_several_samples_are_gathered():
    found = gather([people(), people(bboxes=np.zeros((1, 4)))])
    assert sorted(found) == ['keypoint_scores', 'keypoints']
    assert found['keypoints'].shape == (2, 3, 2)


def test_a_sheet_holds_every_image():
    images = [np.full((10, 20, 3), value, np.uint8) for value in (1, 2, 3)]
    sheet = contact_sheet(images)
    assert sheet.shape == (20, 40, 3)
    assert [sheet[0, 0, 0], sheet[0, 20, 0], sheet[10, 0, 0]] == [1, 2, 3]


def write_dump(folder, paths, num_keypoints=17, **meta):
    """A dump with two people in each image."""
    rng = np.random.default_rng(0)
    samples = []
    for path in [path for path in paths for _ in range(2)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), blank())
        keypoints = rng.random((1, num_keypoints, 2)) * 60
        seen = {'keypoints': keypoints, 'keypoints_visible': np.ones((1, num_keypoints))}
        found = {'keypoints': keypoints, 'keypoint_scores': rng.random((1, num_keypoints))}
        sample = {'img_path': str(path), 'gt_instances': seen, 'pred_instances': found}
        samples.append({**sample, **meta})
    (folder / 'dump.pkl').write_bytes(pickle.dumps(samples))
    return str(folder / 'dump.pkl')


def test_a_dump_becomes_a_drawing_an_image_and_a_sheet(tmp_path):
    dump = write_dump(tmp_path, [tmp_path / '0.jpg', tmp_path / '1.jpg'], dataset_name='coco')
    paths = draw_dump(read_config('hrnet_w32_coco', []), dump, str(tmp_path / 'out'))
    assert [path.name for path in paths] == [OVERVIEW, '0.png', '1.png']
    overview, *drawings = [cv2.imread(str(path)) for path in paths]
    assert np.array_equal(overview, contact_sheet(drawings))


def test_frames_of_two_videos_do_not_overwrite_each_other(tmp_path):
    frames = [tmp_path / f'in/{video}/000.jpg' for video in 'ab']
    out = tmp_path / 'out'
    paths = draw_dump(read_config('hrnet_w32_coco', []), write_dump(tmp_path, frames), str(out))
    assert paths[1:] == [out / 'a/000.png', out / 'b/000.png']


@pytest.mark.parametrize(
    ('num_keypoints', 'dumped'), [(16, 'mpii'), (17, 'posetrack18')], ids=['count', 'name']
)
def test_a_dump_of_another_data_set_is_refused_and_both_are_named(num_keypoints, dumped, tmp_path):
    dump = write_dump(tmp_path, [tmp_path / '0.jpg'], num_keypoints, dataset_name=dumped)
    config = read_config('hrnet_w32_coco', [])
    message = (
        f'dump.pkl has {num_keypoints} keypoints of the data set `{dumped}`, but the config '
        r'.*hrnet_w32_coco.py has 17 of `coco`; use the config that was tested'
    )
    with pytest.raises(ValueError, match=message):
        draw_dump(config, dump, str(tmp_path))


def test_no_image_at_all_cannot_be_asked_for(tmp_path):
    with pytest.raises(ValueError, match='--num-images should be at least 1, but is 0'):
        draw_dump(read_config('hrnet_w32_coco', []), 'dump.pkl', str(tmp_path), num_images=0)


@pytest.mark.parametrize(
    'content', [b'', b'not a pickle', pickle.dumps([{'x': 1}]), pickle.dumps([])]
)
def test_what_is_no_dump_is_named(content, tmp_path):
    dump = tmp_path / 'dump.pkl'
    dump.write_bytes(content)
    with pytest.raises(ValueError, match=r'dump\.pkl'):
        draw_dump(read_config('hrnet_w32_coco', []), str(dump), str(tmp_path))

"""One color for each side, everywhere; sides come from keypoints' names and mirror partners."""

import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from hrnet_ext.datasets.body import CocoDataset, MpiiDataset, PoseTrack18Dataset
from hrnet_ext.engine.run_config import read_config
from hrnet_ext.formats.metainfo import (
    LEFT,
    MIDDLE,
    RIGHT,
    TRACK_COLORS,
    color_of,
    side_of,
    track_color,
)
from hrnet_ext.visualization.poses import Skeleton

MMPOSE_METAINFO = 'configs/_base_/datasets'


@pytest.mark.parametrize(
    ('keypoint', 'mirror', 'side'),
    [
        ('left_knee', 'right_knee', 'left'),
        ('nose', '', 'middle'),
        ('nose', 'nose', 'middle'),  # mirrors to itself
        ('right_fore_wing', '', 'right'),  # no partner is named
        ('RightElbow', 'LeftElbow', 'right'),
        ('L_F_Paw', 'R_F_Paw', 'left'),  # AnimalPose
        ('wingL', 'wingR', 'left'),  # Fly
        ('forelegR1', 'forelegL1', 'right'),
        ('R', '', 'middle'),  # a letter alone says nothing without a partner
        ('tip', 'left_tip', 'right'),  # the partner's name says it
        ('face-3', 'face-13', 'middle'),  # neither name says which is which
        ('bright_spot', '', 'middle'),  # no word of its own
    ],
)
def test_a_keypoint_s_side_comes_from_its_name_or_its_partner_s(keypoint, mirror, side):
    assert side_of(keypoint, mirror) == side


def test_a_limb_has_the_color_of_the_one_side_it_touches():
    assert color_of(['left', 'left']) == color_of(['middle', 'left']) == LEFT
    assert color_of(['right', 'middle']) == RIGHT
    assert color_of(['left', 'right']) == color_of(['middle', 'middle']) == MIDDLE


def shipped_metainfo() -> dict[str, dict]:
    """The metainfo of every data set that we ship, by name."""
    butterflies = read_config('hrnet_butterflies', []).metainfo
    return {
        'coco': CocoDataset.METAINFO,
        'mpii': MpiiDataset.METAINFO,
        'posetrack18': PoseTrack18Dataset.METAINFO,
        'butterflies': butterflies,
    }


@pytest.mark.parametrize('name', ['coco', 'mpii', 'posetrack18', 'butterflies'])
def test_the_metainfo_that_mmpose_draws_by_has_the_palette_s_colors(name):
    meta = parse_pose_metainfo(shipped_metainfo()[name])
    skeleton = Skeleton.of(meta)
    np.testing.assert_array_equal(meta['keypoint_colors'], skeleton.keypoint_colors)
    np.testing.assert_array_equal(meta['skeleton_link_colors'], skeleton.link_colors)
    assert set(skeleton.keypoint_colors) == {LEFT, RIGHT, MIDDLE}


@pytest.mark.parametrize('name', ['coco', 'mpii', 'ap10k', 'animalpose', 'coco_wholebody'])
def test_mmpose_s_own_metainfo_is_drawn_in_the_palette_s_colors(name):
    meta = parse_pose_metainfo({'from_file': f'{MMPOSE_METAINFO}/{name}.py'})
    skeleton = Skeleton.of(meta)
    for index, keypoint in meta['keypoint_id2name'].items():
        mirrored = skeleton.keypoint_colors[meta['flip_indices'][index]]
        opposite = {LEFT: RIGHT, RIGHT: LEFT, MIDDLE: MIDDLE}
        assert mirrored == opposite[skeleton.keypoint_colors[index]], keypoint
    assert {LEFT, RIGHT} <= set(skeleton.keypoint_colors) & set(skeleton.link_colors)


def test_successive_tracks_have_colors_of_their_own():
    assert len(set(TRACK_COLORS)) == len(TRACK_COLORS) == 8
    assert track_color(3) == track_color(11) != track_color(4)

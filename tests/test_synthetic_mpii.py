"""Rendered people in MPII's layout: what is annotated, head boxes, and that it loads."""

import json

import cv2
import numpy as np
import pytest

from hrnet_ext.evaluation.pckh import MPII_KEYPOINTS, pckh
from hrnet_ext.formats.mpii import head_sizes
from hrnet_ext.synthetic import SyntheticSpec, generate
from hrnet_ext.synthetic.figure import Figure, Placement
from hrnet_ext.synthetic.layouts.layout import image_scene
from hrnet_ext.synthetic.layouts.mpii import KEYPOINTS, MpiiLayout, people_entries
from hrnet_ext.synthetic.pose import VARIED, sample_angles, sample_body
from hrnet_ext.synthetic.render import OUTSIDE, SEEN, render
from hrnet_ext.synthetic.skeleton import rotation

SIZE = 96
SPECS = {
    'easy': SyntheticSpec(num_train=16, num_val=4, size=SIZE),
    'hard': SyntheticSpec(difficulty='hard', num_train=16, num_val=4, size=SIZE, seed=2),
}


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp('mpii')
    for name, spec in SPECS.items():
        assert generate(root / name, spec, layout='mpii')
    return root


@pytest.fixture(params=SPECS)
def name(request):
    return request.param


def read(folder, split='train'):
    return json.loads((folder / 'annotations' / f'mpii_{split}.json').read_text())


def test_keypoints_are_in_mpiis_order():
    assert KEYPOINTS == MPII_KEYPOINTS


def test_pictures_are_those_of_cocos_layout(folders, tmp_path):
    generate(tmp_path / 'coco', SPECS['easy'])
    ours = (folders / 'easy' / 'images' / '000000003.jpg').read_bytes()
    assert ours == (tmp_path / 'coco' / 'train2017' / '000000000003.jpg').read_bytes()
    ours = (folders / 'easy' / 'images' / '001000001.jpg').read_bytes()
    assert ours == (tmp_path / 'coco' / 'val2017' / '000001000001.jpg').read_bytes()


@pytest.mark.parametrize('split', ['train', 'val'])
def test_annotations_are_consistent(folders, name, split):
    data = read(folders / name, split)
    assert data['info']['format'] == 'hrnet_ext.mpii'
    assert data['info']['coordinates'] == '0-based pixels'
    people = data['people']
    assert [person['id'] for person in people] == list(range(len(people)))
    for person in people:
        assert cv2.imread(str(folders / name / 'images' / person['image'])).shape[:2] == (
            SIZE,
            SIZE,
        )
        joints, annotated = np.array(person['joints']), np.array(person['joints_vis'])
        assert joints.shape == (16, 2)
        assert (joints[annotated == 0] == -1).all()
        assert (joints[annotated == 1] > -0.51).all()
        assert (joints[annotated == 1] < SIZE - 0.49).all()
        assert min(person['center']) >= 0
        assert max(person['center']) <= SIZE - 1
        assert person['scale'] > 0.1
        x1, y1, x2, y2 = person['head_box']
        assert x2 - x1 > 3
        assert y2 - y1 > 3


def num_seen(person):
    return sum(person.visibility[joint] == SEEN for joint in KEYPOINTS)


def test_the_joints_are_where_the_figures_are(folders):
    """Left and right, names and order: rendered anew and compared by name."""
    for index in range(6):
        scene = image_scene(SPECS['hard'], 'train', index)
        people = [person for person in render(scene).people if num_seen(person) >= 4]
        image = f'{index + 1:09d}.jpg'
        entries = [each for each in read(folders / 'hard')['people'] if each['image'] == image]
        assert len(entries) == len(people)
        for entry, person in zip(entries, people):
            for joint, position, annotated in zip(KEYPOINTS, entry['joints'], entry['joints_vis']):
                assert annotated == (person.visibility[joint] != OUTSIDE)
                if annotated:
                    np.testing.assert_allclose(position, person.keypoints[joint], atol=0.01)


def test_who_is_hardly_seen_is_left_out_and_everybody_else_is_there():
    counts = {True: 0, False: 0}
    for index in range(16):
        scene = image_scene(SPECS['hard'], 'train', index)
        rendering = render(scene)
        seen = [num_seen(person) for person in rendering.people]
        assert len(people_entries('x.jpg', scene, rendering)) == sum(n >= 4 for n in seen)
        for number in seen:
            counts[number >= 4] += 1
    assert min(counts.values()) > 0


def test_nobody_is_near_a_single_person(folders):
    people = read(folders / 'easy')['people']
    alone = {}
    for person in people:
        alone.setdefault(person['image'], []).append(person['single_person'])
    assert all(flags == [True] for flags in alone.values() if len(flags) == 1)
    assert {flag for flags in alone.values() for flag in flags} == {True, False}


@pytest.mark.parametrize('seed', range(20))
def test_head_boxes_hold_the_head_at_any_angle(seed):
    rng = np.random.default_rng(seed)
    facing = rotation('y', rng.uniform(0, 360)) @ rotation('x', rng.uniform(-80, 80))
    figure = Figure(sample_body(rng, spread=0.08), sample_angles(rng, VARIED), facing, None)
    placement = Placement(scale=100, x=0, y=0)
    keypoints = figure.keypoints(placement)
    x1, y1, x2, y2 = figure.head_box(placement)
    for joint in ('head_top', 'upper_neck', 'nose', 'left_ear', 'right_eye'):
        x, y, _ = keypoints[joint]
        assert x1 - 1e-6 <= x <= x2 + 1e-6
        assert y1 - 1e-6 <= y <= y2 + 1e-6
    head = 0.125 * figure.body.stature * figure.body.head * 100  # from the neck to the top
    # PCKh's head size of real annotations is a little less than this (0.86 of it in a sample).
    assert 0.7 * head < head_sizes([(x1, y1, x2, y2)])[0] < 1.3 * head


def test_upright_heads_have_the_head_size_of_real_annotations(folders):
    ratios = []
    for person in read(folders / 'easy')['people']:
        joints = dict(zip(KEYPOINTS, np.array(person['joints'])))
        length = np.linalg.norm(joints['head_top'] - joints['upper_neck'])
        ratios.append(head_sizes([person['head_box']])[0] / length)
    assert 0.8 < np.median(ratios) < 1.0


def test_head_boxes_lie_on_heads(folders):
    """Pixels in the middle of the head box of somebody alone are the person's."""
    for index in range(8):
        scene = image_scene(SPECS['easy'], 'train', index)
        rendering = render(scene)
        if len(scene.placed_figures) > 1:
            continue
        (entry,) = people_entries('x.jpg', scene, rendering)
        x1, y1, x2, y2 = entry['head_box']
        mask = rendering.people[0].mask
        assert mask[round((y1 + y2) / 2), round((x1 + x2) / 2)]
        rows = np.flatnonzero(mask.any(axis=1))
        lifted_hands = min(y for joint, (_, y) in zip(KEYPOINTS, entry['joints'])) < y1
        assert lifted_hands or rows[0] == pytest.approx(y1, abs=2)


def test_truth_as_prediction_scores_100(folders, name):
    people = read(folders / name)['people']
    joints = np.array([person['joints'] for person in people])
    visible = np.array([person['joints_vis'] for person in people])
    sizes = head_sizes([person['head_box'] for person in people])
    assert pckh(joints, joints, visible, sizes, 0.1)['Mean'] == 100
    shifted = joints + 0.6 * sizes[:, None, None]
    assert pckh(shifted, joints, visible, sizes, 0.5)['Mean'] == 0


def test_the_data_set_loads(folders, name):
    from hrnet_ext.datasets.body import MpiiDataset

    people = read(folders / name, 'val')['people']
    data = MpiiDataset(
        'annotations/mpii_val.json',
        data_root=str(folders / name),
        data_prefix={'img': 'images/'},
        test_mode=True,
        pipeline=[],
    )
    assert len(data) == len(people)
    for index, person in enumerate(people):
        sample = data.get_data_info(index)
        annotated = np.array(person['joints_vis']) > 0
        np.testing.assert_allclose(
            sample['keypoints'][0][annotated], np.array(person['joints'])[annotated], atol=1e-3
        )
        np.testing.assert_allclose(
            sample['head_size'], head_sizes([person['head_box']])[0], rtol=1e-5
        )


def test_another_layout_does_not_replace_it(folders):
    spec = SPECS['easy']
    assert not generate(folders / 'easy', spec, layout='mpii')
    with pytest.raises(FileExistsError, match=r'other arguments \(layout mpii -> coco\)'):
        generate(folders / 'easy', spec)


def test_the_splits_pictures_are_told_apart(folders):
    layout = MpiiLayout(SPECS['easy'])
    assert len(list((folders / 'easy').glob(layout.images('train')))) == 16
    assert len(list((folders / 'easy').glob(layout.images('val')))) == 4

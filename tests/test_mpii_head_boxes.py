"""Head boxes come to the people they are of, or it is said why not."""

import json

import numpy as np
import pytest
from scipy.io import savemat

from hrnet_ext.datasets.body import MpiiDataset
from hrnet_ext.datasets.body.mpii_files import parse_people
from hrnet_ext.datasets.body.mpii_head_boxes import read_head_boxes
from tests.mpii_cases import gt_mat, head_boxes, own_form, release_people, write_mpii

PEOPLE = parse_people(release_people(), 'release.json')
BOXES = head_boxes(release_people()) - 1  # 0-based
KEY = 'val_dataloader.dataset.headbox_file'


def read(path, content=None) -> np.ndarray:
    if content is not None:
        path.write_text(json.dumps(content))
    return read_head_boxes(str(path), f'head-box file ({KEY})', PEOPLE)


def evaluation(root, **changes) -> MpiiDataset:
    files = {'ann_file': 'release.json', 'data_prefix': {'img': 'images/'}, **changes}
    return MpiiDataset(data_root=str(root), test_mode=True, **files)


def test_the_releases_mat_is_read_by_row(tmp_path):
    savemat(tmp_path / 'gt.mat', gt_mat(release_people()))
    np.testing.assert_allclose(read(tmp_path / 'gt.mat'), BOXES)


@pytest.mark.parametrize('content', [BOXES.tolist(), {'head_boxes': BOXES.tolist()}])
def test_json_boxes_are_read_by_row(tmp_path, content):
    np.testing.assert_allclose(read(tmp_path / 'boxes.json', content), BOXES)


def test_people_of_another_annotation_file_are_found_in_any_order(tmp_path):
    content = own_form(release_people())
    content['people'].reverse()
    np.testing.assert_allclose(read(tmp_path / 'own.json', content), BOXES)


def test_boxes_of_the_annotations_come_first(tmp_path):
    write_mpii(tmp_path)
    assert evaluation(tmp_path, ann_file='own.json', headbox_file='x.mat').metainfo[
        'has_head_boxes'
    ]


def test_a_missing_file_is_left_to_the_metric_to_mind(tmp_path):
    write_mpii(tmp_path)
    metainfo = evaluation(tmp_path, headbox_file='absent.mat').metainfo
    assert (metainfo['has_head_boxes'], metainfo['missing_headbox_file']) == (False, 'absent.mat')


def reordered(mat: dict) -> None:
    mat['pos_gt_src'] = mat['pos_gt_src'][..., [1, 0, 2, 3]]


def zero_based(mat: dict) -> None:
    mat['pos_gt_src'] = mat['pos_gt_src'] - 1


def first_two(mat: dict) -> None:
    mat.update({name: array[..., :2] for name, array in mat.items()})


def nameless(mat: dict) -> None:
    mat['headboxes'] = mat.pop('headboxes_src')


def flat(mat: dict) -> None:
    mat['headboxes_src'] = mat['headboxes_src'].reshape(4, -1)


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (reordered, r'keypoints of 2 of 4 rows \(pos_gt_src\) are not .* first is row 0; .* order'),
        (zero_based, r'keypoints of 3 of 4 rows .* the pixel origin \(1-based in the release\)'),
        (first_two, 'has head boxes of 2 people, but the annotation file has 4; .* splits'),
        (nameless, r'lacks headboxes_src; it contains .*headboxes.*: mpii_gt_val.mat belongs to'),
        (flat, r'headboxes_src should be \(2, 2, 4\), but is \(4, 4\)'),
    ],
)
def test_a_mat_of_other_people_is_refused(tmp_path, change, expected):
    mat = gt_mat(release_people())
    change(mat)
    savemat(tmp_path / 'gt.mat', mat)
    with pytest.raises(ValueError, match=expected) as caught:
        read(tmp_path / 'gt.mat')
    assert f'head-box file ({KEY}) `{tmp_path / "gt.mat"}`' in str(caught.value)


def test_a_few_odd_keypoints_do_not_make_other_people(tmp_path):
    """The release's file has such: 13 of 44,240."""
    mat = gt_mat(release_people())
    mat['pos_gt_src'][:4, :, 0] = 0
    savemat(tmp_path / 'gt.mat', mat)
    np.testing.assert_allclose(read(tmp_path / 'gt.mat'), BOXES)


HDF5 = b'MATLAB 7.3 MAT-file, Platform: GLNXA64'.ljust(124) + b'\x00\x02IM' + b'\x89HDF\r\n\x1a\n'


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        (HDF5, r"is a MATLAB 7.3 \(HDF5\) file, .* save\('.*gt.mat', '-struct', 's', '-v7'\)"),
        (b'PK\x03\x04' + b'0' * 200, r'\(204 bytes\) is not a complete MATLAB file'),
        (b'', r'\(0 bytes\) is not a complete MATLAB file'),
    ],
)
def test_what_is_no_mat_file_is_explained(tmp_path, content, expected):
    (tmp_path / 'gt.mat').write_bytes(content)
    with pytest.raises(ValueError, match=expected):
        read(tmp_path / 'gt.mat')


def test_every_truncation_is_explained(tmp_path):
    savemat(tmp_path / 'gt.mat', gt_mat(release_people()), do_compression=True)
    whole = (tmp_path / 'gt.mat').read_bytes()
    for length in range(0, len(whole) - 1, 7):
        (tmp_path / 'gt.mat').write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r'not a complete MATLAB file|lacks'):
            read(tmp_path / 'gt.mat')


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        ([[1, 2, 3]] * 4, r'should hold a list of \[x1, y1, x2, y2\]'),
        ({'boxes': []}, r'should hold a list of \[x1, y1, x2, y2\], alone or under `head_boxes`'),
        ([[1, 2, 3, 'x']] * 4, 'should hold a list of'),
        (BOXES[:3].tolist(), 'has head boxes of 3 people, but the annotation file has 4'),
        ({**own_form(release_people()), 'people': []}, 'people is empty'),
    ],
)
def test_what_is_no_json_of_head_boxes_is_explained(tmp_path, content, expected):
    with pytest.raises(ValueError, match=expected):
        read(tmp_path / 'boxes.json', content)


def test_people_who_are_not_there_or_have_no_box_are_named(tmp_path):
    content = own_form(release_people())
    content['people'][2]['center'][0] += 3
    with pytest.raises(ValueError, match=r'no person of 052475643.png with the center \[119.0, 89'):
        read(tmp_path / 'own.json', content)
    for person in content['people']:
        del person['head_box']
    with pytest.raises(ValueError, match='has people, but none with a head_box'):
        read(tmp_path / 'own.json', content)


@pytest.mark.parametrize('box', [None, [5, 5, 5, 5]])
def test_a_head_box_without_size_is_named_where_it_counts(tmp_path, box):
    write_mpii(tmp_path)
    content = own_form(release_people())
    content['people'][2].pop('head_box')
    if box:
        content['people'][2]['head_box'] = box
    (tmp_path / 'own.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r'1 of 4 head boxes .* the first is \[2\]') as caught:
        evaluation(tmp_path, ann_file='own.json')
    assert 'annotation file (val_dataloader.dataset.ann_file' in str(caught.value)
    training = MpiiDataset(
        data_root=str(tmp_path), ann_file='own.json', data_prefix={'img': 'images/'}
    )
    assert len(training) == 3

"""A data set's metainfo is checked when it is read: names, symmetry, limbs, sigmas."""

import json
from pathlib import Path

import mmpose
import pytest
from mmengine.config import Config

from hrnet_ext.datasets.body import CocoDataset
from hrnet_ext.formats.metainfo import check_metainfo

MMPOSES = Path(mmpose.__file__).parent / '.mim' / 'configs' / '_base_' / 'datasets'
BROKEN = {'deepfashion2'}  # 'vest_kpt13' of it mirrors to itself, 'vest_kpt9' to 'vest_kpt13'

SWAP = 'keypoint_info.1.swap'


@pytest.mark.parametrize(
    ('key', 'value', 'expected'),
    [
        ('sigmas', None, r'metainfo lacks sigmas; it needs dataset_name, keypoint_info'),
        ('sigmas', [0.1], r'metainfo.sigmas has 1 values for 17 keypoints'),
        ('sigmas', ['a'] * 17, r"metainfo.sigmas\[0\] should be a positive number, but is 'a'"),
        (SWAP, 'tail', r"keypoint_info\[1\].swap: 'tail' is not a keypoint; use one of: nose"),
        (SWAP, 'right_eyes', r"'right_eyes' is not a keypoint \(did you mean 'right_eye'\?"),
        (SWAP, 'nose', r"`swap` of 'left_eye' is 'nose', but that of 'nose' is 'nose'"),
        ('keypoint_info.3.name', 'nose', r"keypoint_info\[3\].name should be a name that no other"),
        ('skeleton_info.2.link', ('nose', 'tail'), r"skeleton_info\[2\].link: 'tail' is not a key"),
        ('skeleton_info.2.link', 'nose', r"link should be the names of two .* 'nose'"),
        ('flip_pairs', [['left_eye', 'left_ear']], r"flip_pairs has \['left_eye', 'left_ear'\]"),
        ('flip_pairs', [[1, 99]], r'flip_pairs: \[1, 99\]: 99 is not a keypoint'),
    ],
)  # fmt: skip
def test_metainfo_is_checked_with_key_value_and_choice(key, value, expected):
    metainfo = json.loads(json.dumps(CocoDataset.METAINFO))
    for name in ('keypoint_info', 'skeleton_info'):
        metainfo[name] = {int(number): one for number, one in metainfo[name].items()}
    node = metainfo
    *path, last = key.split('.')
    for step in path:
        node = node[int(step) if step.isdigit() else step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    with pytest.raises(ValueError, match=expected):
        CocoDataset(lazy_init=True, metainfo=metainfo)


def test_keypoints_have_to_be_numbered_in_their_order():
    metainfo = dict(CocoDataset.METAINFO)
    info = metainfo['keypoint_info']
    metainfo['keypoint_info'] = {key: info[key] for key in (1, 0, *range(2, 17))}
    with pytest.raises(ValueError, match=r'keys 0 to 16 in this order.*has \[1, 0, 2'):
        CocoDataset(lazy_init=True, metainfo=metainfo)


def test_metainfo_of_a_file_is_checked_too(tmp_path):
    (tmp_path / 'meta.py').write_text(
        f'dataset_info = {dict(CocoDataset.METAINFO, sigmas=[0.1])!r}'
    )
    with pytest.raises(ValueError, match=r'sigmas has 1 values'):
        CocoDataset(lazy_init=True, metainfo={'from_file': str(tmp_path / 'meta.py')})


@pytest.mark.parametrize('path', sorted(MMPOSES.glob('*.py')), ids=lambda path: path.stem)
def test_what_mmpose_ships_is_sound(path):
    if path.stem in BROKEN:
        pytest.skip('a keypoint mirrors to another one than the other way round')
    check_metainfo(Config.fromfile(path).dataset_info)

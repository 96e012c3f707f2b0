"""Validation of a data set's ``metainfo``, before MMPose parses it.

K: keypoints.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Mapping, Sequence
from numbers import Real

KEYS = ('dataset_name', 'keypoint_info', 'skeleton_info', 'joint_weights', 'sigmas')
CURE = 'configs/_base_/datasets of MMPose has examples'


def check_metainfo(metainfo: Mapping) -> None:
    """Check names, symmetry, limbs and sigmas.

    Args:
        metainfo: As MMPose's data sets take it.

    Raises:
        ValueError: If an entry is invalid; names key, value and valid values.
    """
    absent = [key for key in KEYS if key not in metainfo]
    if absent:
        raise ValueError(f'metainfo lacks {", ".join(absent)}; it needs {", ".join(KEYS)} ({CURE})')
    names = _names(metainfo['keypoint_info'])
    mirrors = _mirrors(metainfo['keypoint_info'], names)
    for key, limb in metainfo['skeleton_info'].items():
        link = limb.get('link')
        at = f'metainfo.skeleton_info[{key!r}].link'
        if isinstance(link, str) or not isinstance(link, Sequence) or len(link) != 2:
            raise ValueError(f'{at} should be the names of two keypoints, but is {link!r}')
        for name in link:
            _check_name(name, names, at)
    _check_sigmas(metainfo['sigmas'], len(names))
    for pair in metainfo.get('flip_pairs', ()):
        _check_pair(pair, names, mirrors)


def _names(keypoint_info: Mapping) -> list[str]:
    if list(keypoint_info) != list(range(len(keypoint_info))):
        raise ValueError(
            f'metainfo.keypoint_info should have the keys 0 to {len(keypoint_info) - 1} in this '
            f'order, which is the order in annotations, but has {list(keypoint_info)}'
        )
    names = [one.get('name') for one in keypoint_info.values()]
    for index, name in enumerate(names):
        if not isinstance(name, str) or name in names[:index]:
            raise ValueError(
                f'metainfo.keypoint_info[{index}].name should be a name that no other keypoint '
                f'has, but is {name!r}'
            )
    return names


def _mirrors(keypoint_info: Mapping, names: Sequence[str]) -> dict[str, str]:
    """Each keypoint's name in a mirrored image."""
    mirrors = {}
    for index, (name, one) in enumerate(zip(names, keypoint_info.values())):
        mirrors[name] = one.get('swap') or name
        _check_name(mirrors[name], names, f'metainfo.keypoint_info[{index}].swap')
    for name, mirror in mirrors.items():
        if mirrors[mirror] != name:
            raise ValueError(
                f'metainfo.keypoint_info: `swap` of {name!r} is {mirror!r}, but that of '
                f'{mirror!r} is {mirrors[mirror]!r}; two keypoints that swap in a '
                "mirrored image must name each other, others have swap=''"
            )
    return mirrors


def _check_name(name: object, names: Sequence[str], at: str) -> None:
    if name in names:
        return
    close = difflib.get_close_matches(str(name), names, 1)
    hint = f' (did you mean {close[0]!r}?)' if close else ''
    raise ValueError(f'{at}: {name!r} is not a keypoint{hint}; use one of: {", ".join(names)}')


def _check_sigmas(sigmas: Sequence[float], num_keypoints: int) -> None:
    """Check the OKS sigmas; a data set that is not evaluated by OKS has an empty list."""
    if len(sigmas) not in (0, num_keypoints):
        raise ValueError(
            f'metainfo.sigmas has {len(sigmas)} values for {num_keypoints} keypoints; give one per '
            'keypoint'
        )
    for index, value in enumerate(sigmas):
        if not isinstance(value, Real) or not math.isfinite(value) or not value > 0:
            raise ValueError(
                f'metainfo.sigmas[{index}] should be a positive number, but is {value!r}'
            )


def _check_pair(pair: Sequence[Hashable], names: Sequence[str], mirrors: Mapping) -> None:
    """Check a flip pair against `swap`, from which MMPose derives the pairs that it uses."""
    of_index = dict(enumerate(names))
    named = [of_index.get(one, one) for one in pair]
    for name in named:
        _check_name(name, names, f'metainfo.flip_pairs: {list(pair)}')
    if len(named) != 2 or mirrors[named[0]] != named[1]:
        raise ValueError(
            f'metainfo.flip_pairs has {list(pair)}, but `swap` of metainfo.keypoint_info says that '
            f'{named[0]!r} swaps with {mirrors[named[0]]!r}; remove flip_pairs, because it '
            'follows from `swap`'
        )

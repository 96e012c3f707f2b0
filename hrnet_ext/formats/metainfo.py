"""Validation of a data set's ``metainfo``, before MMPose parses it, and the colors of drawings.

K: keypoints. A color is (red, green, blue), 0 to 255.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from numbers import Real

Color = tuple[int, int, int]

LEFT: Color = (86, 180, 233)  # sky blue
RIGHT: Color = (213, 94, 0)  # vermilion: the right side is orange in MMPose, too
MIDDLE: Color = (240, 228, 66)  # yellow
SIDE_COLORS: Mapping[str, Color] = {'left': LEFT, 'right': RIGHT, 'middle': MIDDLE}
LEGEND = (("person's left", LEFT), ("person's right", RIGHT), ('middle', MIDDLE))
BOX: Color = (255, 255, 255)
INK: Color = (40, 40, 40)  # outlines and text
PAPER: Color = (245, 245, 245)
TRACK_COLORS: tuple[Color, ...] = (
    (242, 157, 179), (182, 242, 0), (115, 115, 255), (166, 91, 17),
    (115, 255, 255), (166, 166, 17), (0, 158, 115), (157, 179, 242),
)  # fmt: skip

OPPOSITE = {'left': 'right', 'right': 'left', 'middle': 'middle'}
WORDS = re.compile(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+')  # left_eye, LeftEye, L_Eye, wingL1


def side_of(keypoint: str, mirror: str = '') -> str:
    """The body side of a keypoint: ``'left'``, ``'right'`` or ``'middle'``.

    Args:
        keypoint: Its name; the word ``left`` or ``right`` in it determines the side.
        mirror: Name of the keypoint that it swaps with in a mirrored image. If it differs, the
            words ``L`` and ``R`` count too, and this name is used if the other one has no side.
    """
    if mirror in ('', keypoint):
        return _side_by_words(keypoint, {'left'}, {'right'})
    sides = [_side_by_words(name, {'left', 'l'}, {'right', 'r'}) for name in (keypoint, mirror)]
    return OPPOSITE[sides[1]] if sides[0] == 'middle' else sides[0]


def color_of(sides: Iterable[str]) -> Color:
    """The color of a keypoint or limb by the sides of its ends.

    A limb from the middle to a side has the color of that side; a limb between both sides has the
    middle's.
    """
    found = set(sides) - {'middle'}
    return SIDE_COLORS[found.pop()] if len(found) == 1 else MIDDLE


def track_color(track_id: int) -> Color:
    """The color of a track; eight successive tracks have eight colors."""
    return TRACK_COLORS[track_id % len(TRACK_COLORS)]


def _side_by_words(keypoint: str, left: set[str], right: set[str]) -> str:
    words = {word.lower() for word in WORDS.findall(keypoint)}
    is_left, is_right = bool(words & left), bool(words & right)
    if is_left == is_right:
        return 'middle'
    return 'left' if is_left else 'right'


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

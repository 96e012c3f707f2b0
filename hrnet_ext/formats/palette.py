"""The colors of all drawings: one for each side of a body, one for each track.

Legend: a color is (red, green, blue), 0 to 255. The side colors are from Okabe and Ito's palette.
They and the track colors remain distinct in simulated protanopia, deuteranopia and tritanopia
(Machado et al., 2009): CIEDE2000 is at least 23 for two side colors, 15 for two track colors.
"""

import re
from collections.abc import Iterable, Mapping

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

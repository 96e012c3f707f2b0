"""Pairs of left and right keypoints, found by their names.

A name is split into words at punctuation and capital letters: ``LShoulder`` is ``l shoulder``,
``shoulder.R`` is ``shoulder r``. Two names are a pair if they differ only in the word for the side.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

SIDES: Mapping[str, str] = {
    word: side
    for side, words in {
        'left': 'left l lt links linke linker gauche g izquierda izquierdo izq esquerda esquerdo '
        'sinistra sinistro sx 左 vanster vänster venstre',
        'right': 'right r rt rechts rechte rechter droite droit d derecha derecho der direita '
        'direito destra destro dx 右 hoger höger hoyre højre',
    }.items()
    for word in words.split()
}
PREFIX = re.compile(r'^(left|right|links|rechts|左|右)(?=\w)', re.IGNORECASE)


def mirror_pairs(
    names: Sequence[str], given: Sequence[tuple[str, str]] = (), *, ask: bool = True
) -> dict[str, str]:
    """The mirror partner of each keypoint that has one.

    Args:
        names: K names.
        given: Pairs that the user names; they replace what the names say.
        ask: Whether a side without a partner is an error. Otherwise such a keypoint has none.

    Returns:
        Partners in both directions.

    Raises:
        ValueError: If a given name is no keypoint, or a name has a side but no unique partner.
    """
    for name in {name for pair in given for name in pair}:
        if name not in names:
            raise ValueError(f'--swap: there is no keypoint {name!r}; there are {", ".join(names)}')
    partners = {a: b for pair in given for a, b in (pair, pair[::-1])}
    groups: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in names:
        side, rest = split_side(name)
        if side and name not in partners:
            groups[rest][side].append(name)
    doubtful = []
    for sides in groups.values():
        if len(sides.get('left', ())) == len(sides.get('right', ())) == 1:
            (left,), (right,) = sides['left'], sides['right']
            partners.update({left: right, right: left})
        else:
            doubtful += [name for members in sides.values() for name in members]
    if doubtful and ask:
        raise ValueError(
            f'the names {", ".join(doubtful)} have a side, but no keypoint with the same name on '
            'the other side. Name the pairs with --swap LEFT=RIGHT, or use --no-swap if these '
            'keypoints have no mirror partner'
        )
    return partners


def split_side(name: str) -> tuple[str, tuple[str, ...]]:
    """The side of a keypoint and the other words of its name; an empty side for the middle."""
    spaced = re.sub(r'(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])', ' ', name)
    spaced = PREFIX.sub(r'\1 ', spaced)
    words = [word for word in re.split(r'[\W_]+', spaced.lower()) if word]
    found = [index for index, word in enumerate(words) if word in SIDES]
    if len(found) != 1 or len(words) == 1:
        return '', tuple(words)
    index = found[0]
    return SIDES[words[index]], (*words[:index], *words[index + 1 :])

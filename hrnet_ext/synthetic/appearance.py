"""The appearance of a synthetic person: skin, hair and clothes. Colors are BGR, 0 to 255."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hrnet_ext.synthetic.canvas import Color, Material

SKIN_TONES: tuple[Color, ...] = (
    (188, 208, 245), (160, 188, 236), (135, 168, 224),
    (105, 140, 200), (75, 105, 165), (55, 78, 125), (42, 58, 92),
)  # fmt: skip
HAIR_COLORS: tuple[Color, ...] = (
    (22, 22, 26), (28, 38, 58), (38, 60, 100), (70, 120, 175), (110, 175, 220), (150, 150, 152),
    (35, 60, 140),
)  # fmt: skip
EYES = Material((30, 25, 25))


@dataclass(frozen=True)
class Appearance:
    """What a person wears.

    Args:
        skin, hair, lips, eyes: Materials of the body.
        torso: The shirt on the chest; ``shirt`` is the same without what is printed on it.
        sleeve, cuff: The upper arm and the forearm, covered or bare.
        trousers: The hips.
        thigh, shank: The leg above and below the knee, covered or bare.
        shoes: Both shoes.
        long_hair: Whether hair falls down to the shoulders.
        bald: No hair at all.
    """

    skin: Material
    hair: Material
    lips: Material
    torso: Material
    shirt: Material
    sleeve: Material
    cuff: Material
    trousers: Material
    thigh: Material
    shank: Material
    shoes: Material
    eyes: Material = EYES
    long_hair: bool = False
    bald: bool = False


def vivid(rng: np.random.Generator, saturation: tuple[float, float]) -> Color:
    """A random color whose saturation lies in a range of 0 to 1."""
    red, green, blue = colorsys.hsv_to_rgb(
        rng.uniform(), rng.uniform(*saturation), rng.uniform(0.3, 0.95)
    )
    return 255 * blue, 255 * green, 255 * red


def scaled(color: Color, factor: float) -> Color:
    """The same color, brighter or darker."""
    blue, green, red = color
    return blue * factor, green * factor, red * factor


def _pick(rng: np.random.Generator, colors: Sequence[Color]) -> Color:
    return scaled(colors[rng.integers(len(colors))], rng.uniform(0.9, 1.1))


def sample_appearance(rng: np.random.Generator, *, plain: bool) -> Appearance:
    """Sample the appearance of a person.

    Args:
        rng: Random generator.
        plain: Keep to vivid plain clothes and a full head of hair, which make limbs and the
            direction a person faces easy to see.
    """
    skin = _pick(rng, SKIN_TONES[:5] if plain else SKIN_TONES)
    shirt_color = vivid(rng, (0.5, 0.95) if plain else (0.0, 0.95))
    trouser_color = vivid(rng, (0.3, 0.9) if plain else (0.0, 0.9))
    shirt = Material(shirt_color)
    if not plain and rng.uniform() < 0.4:
        pattern = str(rng.choice(['stripes', 'bars']))
        shirt = Material(shirt_color, vivid(rng, (0, 0.9)), pattern, rng.uniform(3, 7))
    torso = shirt
    if shirt.pattern == 'plain' and rng.uniform() < (1.0 if plain else 0.5):
        torso = Material(shirt_color, vivid(rng, (0, 0.9)), 'badge', rng.uniform(0.25, 0.4))
    sleeve, cuff = _covering(rng, shirt_color, skin)
    thigh, shank = _covering(rng, trouser_color, skin)
    return Appearance(
        skin=Material(skin),
        hair=Material(_pick(rng, HAIR_COLORS)),
        lips=Material((skin[0] * 0.6, skin[1] * 0.55, skin[2] * 0.8)),
        torso=torso,
        shirt=shirt,
        sleeve=sleeve,
        cuff=cuff,
        trousers=Material(trouser_color),
        thigh=thigh,
        shank=shank,
        shoes=Material(vivid(rng, (0.0, 0.8))),
        long_hair=bool(rng.uniform() < 0.4),
        bald=bool(not plain and rng.uniform() < 0.12),
    )


def _covering(rng: np.random.Generator, color: Color, skin: Color) -> tuple[Material, Material]:
    """Cloth of a limb's upper and lower half: long, short, or ending in between."""
    kind = rng.choice(['long', 'short', 'middle'], p=[0.5, 0.4, 0.1])
    cloth, bare = Material(color), Material(skin)
    if kind == 'long':
        return cloth, Material(color, skin, 'hem', rng.uniform(0.85, 1.0))
    if kind == 'middle':
        return cloth, Material(color, skin, 'hem', rng.uniform(0.2, 0.6))
    return Material(color, skin, 'hem', rng.uniform(0.35, 0.8)), bare

"""Random postures within the joints' limits.

Legend: angles (J, 3) in degrees, flexion, abduction, twist of every joint; see ``skeleton``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hrnet_ext.synthetic.skeleton import JOINT_INDEX, LIMITS, Body

# Flexion, abduction and twist, each as mean and standard deviation, degrees.
Spread = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
STILL = (0.0, 0.0)


@dataclass(frozen=True)
class PoseFamily:
    """A kind of posture: normal distributions of angles, one limb's choices apart.

    Args:
        trunk: By midline joint.
        arms, legs: Alternatives; each maps joints without their side to angles, and each limb
            draws one for itself.
        legs_together: Probability that both legs draw the same alternative (sitting, say).
    """

    trunk: Mapping[str, Spread]
    arms: tuple[Mapping[str, Spread], ...]
    legs: tuple[Mapping[str, Spread], ...]
    legs_together: float = 0.0


_HANGING: Mapping[str, Spread] = {
    'shoulder': ((0, 15), (12, 8), (10, 20)), 'elbow': ((20, 15), STILL, STILL),
}  # fmt: skip
_SIDEWAYS: Mapping[str, Spread] = {
    'shoulder': ((5, 15), (75, 20), (20, 30)), 'elbow': ((35, 30), STILL, STILL),
}  # fmt: skip
_BENT: Mapping[str, Spread] = {
    'shoulder': ((15, 20), (25, 12), (-10, 30)), 'elbow': ((90, 25), STILL, STILL),
}  # fmt: skip
_RAISED: Mapping[str, Spread] = {
    'shoulder': ((0, 15), (130, 15), (10, 20)), 'elbow': ((30, 25), STILL, STILL),
}  # fmt: skip
_FORWARD: Mapping[str, Spread] = {
    'shoulder': ((75, 30), (15, 15), (0, 30)), 'elbow': ((45, 35), STILL, STILL),
}  # fmt: skip
_ANY_ARM: Mapping[str, Spread] = {
    'shoulder': ((50, 60), (50, 50), (0, 45)), 'elbow': ((60, 45), STILL, STILL),
    'wrist': ((0, 25), STILL, STILL),
}  # fmt: skip

_STANDING: Mapping[str, Spread] = {
    'hip': ((5, 10), (8, 6), (8, 8)), 'knee': ((8, 8), STILL, STILL),
    'ankle': ((0, 6), STILL, STILL),
}  # fmt: skip
_STEPPING: Mapping[str, Spread] = {
    'hip': ((20, 20), (12, 8), (8, 10)), 'knee': ((35, 20), STILL, STILL),
    'ankle': ((0, 8), STILL, STILL),
}  # fmt: skip
_SITTING: Mapping[str, Spread] = {
    'hip': ((85, 15), (15, 12), (5, 12)), 'knee': ((85, 20), STILL, STILL),
    'ankle': ((0, 10), STILL, STILL),
}  # fmt: skip
_ANY_LEG: Mapping[str, Spread] = {
    'hip': ((35, 40), (20, 20), (5, 18)), 'knee': ((50, 40), STILL, STILL),
    'ankle': ((-5, 15), STILL, STILL),
}  # fmt: skip

UPRIGHT = PoseFamily(
    trunk={
        'abdomen': ((2, 4), (0, 4), (0, 4)),
        'chest': ((2, 4), (0, 4), (0, 6)),
        'neck': ((3, 6), (0, 4), (0, 10)),
        'head': ((0, 6), (0, 4), (0, 10)),
    },
    arms=(_HANGING, _HANGING, _SIDEWAYS, _BENT, _RAISED),
    legs=(_STANDING, _STANDING, _STEPPING),
)
VARIED = PoseFamily(
    trunk={
        'abdomen': ((10, 14), (0, 9), (0, 9)),
        'chest': ((8, 12), (0, 9), (0, 12)),
        'neck': ((3, 12), (0, 9), (0, 18)),
        'head': ((0, 12), (0, 8), (0, 18)),
    },
    arms=(_HANGING, _SIDEWAYS, _BENT, _RAISED, _FORWARD, _ANY_ARM, _ANY_ARM),
    legs=(_STANDING, _STEPPING, _SITTING, _ANY_LEG, _ANY_LEG),
    legs_together=0.5,
)


def sample_angles(rng: np.random.Generator, family: PoseFamily) -> np.ndarray:
    """Sample the angles (J, 3) of a family of postures, clipped to the joints' limits."""
    spreads: dict[str, Spread] = dict(family.trunk)
    for side in ('left', 'right'):
        arm = family.arms[rng.integers(len(family.arms))]
        spreads.update({f'{side}_{joint}': spread for joint, spread in arm.items()})
    left_leg, right_leg = rng.integers(len(family.legs), size=2)
    if rng.uniform() < family.legs_together:
        right_leg = left_leg
    for side, leg in (('left', left_leg), ('right', right_leg)):
        spreads.update({f'{side}_{joint}': s for joint, s in family.legs[leg].items()})

    angles = np.zeros(LIMITS.shape[:2])
    for joint, spread in spreads.items():
        mean, deviation = np.transpose(spread)
        angles[JOINT_INDEX[joint]] = rng.normal(mean, deviation)
    return np.clip(angles, LIMITS[..., 0], LIMITS[..., 1])


def sample_body(rng: np.random.Generator, *, spread: float) -> Body:
    """Sample a body whose proportions vary by about ``spread`` of the average."""
    factors = np.clip(rng.normal(1, spread, size=7), 1 - 2 * spread, 1 + 2 * spread)
    trunk, shoulders, hips, arms, legs, head, girth = factors.tolist()
    return Body(
        stature=rng.uniform(1.5, 1.9),
        trunk=trunk,
        shoulders=shoulders,
        hips=hips,
        arms=arms,
        legs=legs,
        head=1.08 * head,
        girth=1.05 * girth**2,
    )

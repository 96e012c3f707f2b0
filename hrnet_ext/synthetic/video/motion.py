"""The motion of a person in a video: position, orientation and posture in every frame.

Legend:
    yaw    degrees: 0 faces the viewer, 90 the image's right; people walk where they face.
    ground (F, 2) meters: x to the right of the room's middle, distance from the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hrnet_ext.synthetic.pose import STILL, UPRIGHT, PoseFamily, sample_angles
from hrnet_ext.synthetic.skeleton import JOINT_INDEX, JOINTS, LIMITS, Body
from hrnet_ext.synthetic.video.gait import Gait

STEPS_PER_SECOND = 200  # of the integration of a path
LEGS = [i for i, joint in enumerate(JOINTS) if joint.name.endswith(('hip', 'knee', 'ankle'))]
GESTURING = PoseFamily(
    trunk=UPRIGHT.trunk,
    arms=UPRIGHT.arms,
    legs=({'hip': ((2, 4), (6, 3), (8, 5)), 'knee': ((5, 4), STILL, STILL)},),
)


@dataclass(frozen=True)
class Motion:
    """The motion of a person, one entry per frame.

    Args:
        ground: (F, 2) meters.
        yaw: (F,) degrees.
        angles: (F, J, 3) degrees, see ``skeleton``.
    """

    ground: np.ndarray
    yaw: np.ndarray
    angles: np.ndarray


@dataclass(frozen=True)
class Turn:
    """A change of direction while walking.

    Args:
        middle: Time at which half of it is done, seconds.
        duration: Duration, seconds.
        degrees: Angle; positive from facing the viewer to the image's right.
    """

    middle: float = 0.0
    duration: float = 1.0
    degrees: float = 0.0

    def at(self, times: np.ndarray) -> np.ndarray:
        """Angle turned so far at times (n,), degrees."""
        share = np.clip((times - self.middle) / self.duration + 0.5, 0, 1)
        return self.degrees * share**2 * (3 - 2 * share)


def walk(
    times: np.ndarray,
    body: Body,
    gait: Gait,
    *,
    through: tuple[float, float],
    yaw: float,
    phase: float = 0.0,
    turn: Turn | None = None,
) -> Motion:
    """Walk at the constant speed of the gait.

    Args:
        times: (F,) of the frames.
        body: The body.
        gait: The gait.
        through: Position on the ground at time 0, meters.
        yaw: Direction before the turn, degrees.
        phase: Phase of the gait at time 0, radians.
        turn: An optional change of direction.
    """
    turn = turn or Turn()
    reach = np.abs(times).max() + 1 / STEPS_PER_SECOND
    steps = np.linspace(-reach, reach, 2 * int(reach * STEPS_PER_SECOND) + 1)
    headings = np.radians(yaw + turn.at((steps[1:] + steps[:-1]) / 2))
    moves = np.stack([np.sin(headings), -np.cos(headings)], axis=1)
    moves *= gait.speed(body) * np.diff(steps)[:, None]
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    path += np.array(through) - path[len(path) // 2]
    ground = np.stack([np.interp(times, steps, path[:, axis]) for axis in (0, 1)], axis=1)
    phases = phase + 2 * np.pi * gait.cadence * times
    return Motion(
        ground=ground,
        yaw=yaw + turn.at(times),
        angles=gait.angles(phases),
    )


def gesture(
    rng: np.random.Generator, times: np.ndarray, *, at: tuple[float, float], yaw: float
) -> Motion:
    """Stand and move the arms between two postures.

    Args:
        rng: Random generator.
        times: (F,) of the frames.
        at: Position on the ground, meters.
        yaw: Direction to face, degrees.
    """
    first, second = sample_angles(rng, GESTURING), sample_angles(rng, GESTURING)
    second[LEGS] = first[LEGS]  # the feet stay
    rate, phase = rng.uniform(0.3, 0.7), rng.uniform(0, 2 * np.pi)
    share = 0.5 - 0.5 * np.cos(2 * np.pi * rate * times + phase)
    angles = first + share[:, None, None] * (second - first)
    nod = rng.uniform(2, 8) * np.sin(2 * np.pi * rng.uniform(0.4, 1.0) * times + phase)
    angles[:, JOINT_INDEX['head'], 0] += nod
    sway = rng.uniform(2, 8) * np.sin(2 * np.pi * rng.uniform(0.15, 0.3) * times + phase)
    return Motion(
        ground=np.tile(np.array(at, dtype=float), (len(times), 1)),
        yaw=yaw + sway,
        angles=np.clip(angles, LIMITS[..., 0], LIMITS[..., 1]),
    )

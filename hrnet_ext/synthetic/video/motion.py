"""The motion of a person in a video: walking, gestures, position and orientation in every frame.

Legend:
    yaw    degrees: 0 faces the viewer, 90 the image's right; people walk where they face.
    ground (F, 2) meters: x to the right of the room's middle, distance from the viewer.
    phase  radians, 2 pi per stride; at 0 the left heel strikes, at pi the right one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hrnet_ext.synthetic.figure import HEEL, TOES
from hrnet_ext.synthetic.pose import STILL, UPRIGHT, PoseFamily, sample_angles
from hrnet_ext.synthetic.skeleton import JOINT_INDEX, JOINTS, LIMITS, Body, Posture, solve

# Bumps of an angle: height in degrees, middle and width as shares of the stride. They follow the
# curves of Winter, "Biomechanics and Motor Control of Human Movement", natural cadence.
Bumps = tuple[tuple[float, float, float], ...]
KNEE: Bumps = ((13, 0.14, 0.07), (60, 0.715, 0.105))  # bends under the weight; swings
ANKLE: Bumps = ((-7, 0.06, 0.04), (10, 0.45, 0.12), (-14, 0.64, 0.05))  # lands, rolls, pushes off
HIP_MEAN, HIP_SWING = 8.0, 22.0  # degrees; 30 ahead at heel strike, 14 behind
STRIDE_SAMPLES = 48
FLEXION, ABDUCTION, TWIST = range(3)
STEPS_PER_SECOND = 200  # of the integration of a path
LEGS = [i for i, joint in enumerate(JOINTS) if joint.name.endswith(('hip', 'knee', 'ankle'))]
GESTURING = PoseFamily(
    trunk=UPRIGHT.trunk,
    arms=UPRIGHT.arms,
    legs=({'hip': ((2, 4), (6, 3), (8, 5)), 'knee': ((5, 4), STILL, STILL)},),
)


@dataclass(frozen=True)
class Gait:
    """The gait of a person.

    Args:
        cadence: Strides (two steps) per second.
        reach: Length of the steps, 1 for the average.
        arm_swing: Amplitude of the upper arms, degrees.
        elbow: Mean bend of the elbows, degrees.
        lean: Of the trunk, forward, degrees.
    """

    cadence: float = 0.9
    reach: float = 1.0
    arm_swing: float = 24.0
    elbow: float = 25.0
    lean: float = 3.0

    def angles(self, phase: float | np.ndarray) -> np.ndarray:
        """The joints' angles (..., J, 3) at phases (...), degrees."""
        phase = np.asarray(phase, dtype=float)
        angles = np.zeros((*phase.shape, *LIMITS.shape[:2]))
        swing = np.cos(phase)  # of the left leg, 1 when it is most ahead

        def turn(joint: str, kind: int, degrees: np.ndarray | float) -> None:
            angles[..., JOINT_INDEX[joint], kind] = degrees

        for side, sign in (('left', 1), ('right', -1)):
            share = (phase if sign > 0 else phase + np.pi) / (2 * np.pi)
            turn(f'{side}_hip', FLEXION, HIP_MEAN + self.reach * HIP_SWING * sign * swing)
            turn(f'{side}_hip', ABDUCTION, 2)
            turn(f'{side}_knee', FLEXION, 4 + self.reach * _curve(KNEE, share))
            turn(f'{side}_ankle', FLEXION, self.reach * _curve(ANKLE, share))
            # The arm swings against the leg of its side; the elbow bends more in front.
            turn(f'{side}_shoulder', FLEXION, 3 - self.arm_swing * sign * swing)
            turn(f'{side}_shoulder', ABDUCTION, 8)
            turn(f'{side}_elbow', FLEXION, self.elbow * (1 - 0.45 * sign * swing))
        turn('abdomen', FLEXION, self.lean)
        # The pelvis stays; the shoulders turn against the legs, the head undoes it.
        for joint, degrees in (('abdomen', 3), ('chest', 4), ('neck', -5)):
            turn(joint, TWIST, degrees * self.reach * swing)
        return np.clip(angles, LIMITS[..., 0], LIMITS[..., 1])

    def stride(self, body: Body) -> float:
        """The length of a stride in meters, such that the feet do not slide."""
        return _stride(self, body)

    def speed(self, body: Body) -> float:
        """Walking speed in meters per second."""
        return self.stride(body) * self.cadence


def sample_gait(rng: np.random.Generator, *, brisk: bool = False) -> Gait:
    """Sample a gait, from slow to brisk, or only brisk."""
    briskness = rng.uniform(0.6 if brisk else 0, 1)
    return Gait(
        cadence=0.75 + 0.3 * briskness + rng.normal(0, 0.02),
        reach=0.75 + 0.4 * briskness + rng.normal(0, 0.03),
        arm_swing=rng.uniform(14, 20) + 8 * briskness,
        elbow=rng.uniform(10, 22) + 10 * briskness,
        lean=rng.uniform(0, 3) + 3 * briskness,
    )


def hip_height(body: Body, posture: Posture) -> float:
    """Height of the middle of the hips in meters when the lower foot is on the ground."""
    soles = [
        posture.place(f'{side}_ankle', np.array(offset) * body.stature)[1]
        - radius * body.stature * body.girth
        for side in ('left', 'right')
        for offset, radius in (HEEL, TOES)
    ]
    return -float(min(soles))


@lru_cache(maxsize=64)
def _stride(gait: Gait, body: Body) -> float:
    phases = np.linspace(0, 2 * np.pi, STRIDE_SAMPLES, endpoint=False)
    postures = [solve(body, angles) for angles in gait.angles(phases)]
    ankles = np.array([_ankles(posture) for posture in postures])  # (samples, side, 3)
    standing = ankles[..., 1].argmin(axis=1)  # the side whose foot is on the ground
    ahead = ankles[..., 2]
    samples = np.arange(STRIDE_SAMPLES)
    travel = ahead[samples, standing] - np.roll(ahead, -1, axis=0)[samples, standing]
    return float(travel.sum())


def _ankles(posture: Posture) -> np.ndarray:
    return posture.positions[[JOINT_INDEX['left_ankle'], JOINT_INDEX['right_ankle']]]


def _curve(bumps: Bumps, share: np.ndarray) -> np.ndarray:
    """The sum of periodic bumps at shares (...) of the stride."""
    return sum(
        height * np.exp(-0.5 * (((share - middle + 0.5) % 1 - 0.5) / width) ** 2)
        for height, middle, width in bumps
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

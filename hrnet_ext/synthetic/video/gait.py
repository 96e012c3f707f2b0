"""Walking: the angles of all joints during a stride, and the length of a stride.

Legend: phase in radians, 2 pi a stride; at 0 the left heel strikes, at pi the right one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hrnet_ext.synthetic.body_parts import HEEL, TOES
from hrnet_ext.synthetic.skeleton import JOINT_INDEX, LIMITS, Body, Posture, solve

# Bumps of an angle: height in degrees, middle and width as shares of the stride. They follow the
# curves of Winter, "Biomechanics and Motor Control of Human Movement", natural cadence.
Bumps = tuple[tuple[float, float, float], ...]
KNEE: Bumps = ((13, 0.14, 0.07), (60, 0.715, 0.105))  # bends under the weight; swings
ANKLE: Bumps = ((-7, 0.06, 0.04), (10, 0.45, 0.12), (-14, 0.64, 0.05))  # lands, rolls, pushes off
HIP_MEAN, HIP_SWING = 8.0, 22.0  # degrees; 30 ahead at heel strike, 14 behind
STRIDE_SAMPLES = 48
FLEXION, ABDUCTION, TWIST = range(3)


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

"""The kinematic tree of a synthetic person: joints, proportions, limits and named keypoints.

Legend:
    J   number of joints, ``len(JOINTS)``
    body frame, right-handed, meters: x to the *subject's* left, y up, z forward (out of the chest);
    the origin is the middle of the hips. At rest the figure stands with its arms hanging.
    angles (J, 3)  degrees: flexion, abduction (away from the body's midline), outward twist.
        Flexion is the anatomist's: spine, neck, shoulder, hip and elbow turn forward, the knee
        turns backward, the ankle lifts the toes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

Range = tuple[float, float]
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Joint:
    """A joint of the tree and where it sits on its parent.

    Args:
        name: Its name; paired joints start with ``left_`` or ``right_``.
        parent: Name of the parent joint, or None for the root.
        offset: Position in the parent's frame at rest, in fractions of the stature.
        flexion_sign: Sense of a positive flexion about the x axis (see the module's legend).
        flexion, abduction, twist: Limits in degrees.
        length_of: The body measure that scales ``offset``, a field of :class:`Body`.
    """

    name: str
    parent: str | None
    offset: Triple
    flexion_sign: int = 1
    flexion: Range = (0.0, 0.0)
    abduction: Range = (0.0, 0.0)
    twist: Range = (0.0, 0.0)
    length_of: str = 'trunk'

    @property
    def side(self) -> int:
        """-1 on the right; 1 on the left and, by convention, on the midline."""
        return -1 if self.name.startswith('right_') else 1


@dataclass(frozen=True)
class Body:
    """A person's measures: the stature in meters and factors on the average proportions."""

    stature: float = 1.7
    trunk: float = 1.0
    shoulders: float = 1.0
    hips: float = 1.0
    arms: float = 1.0
    legs: float = 1.0
    head: float = 1.0
    girth: float = 1.0

    def __post_init__(self) -> None:
        wrong = {name: value for name, value in vars(self).items() if not value > 0}
        if wrong:
            raise ValueError(f'measures of a body must be positive, got {wrong}')


# Segment lengths in fractions of the stature after Drillis and Contini (1966), as in Winter,
# "Biomechanics and Motor Control of Human Movement"; joint centers lie inside the body's outline.
_MIDLINE = (
    Joint('pelvis', None, (0, 0, 0)),
    Joint('abdomen', 'pelvis', (0, 0.055, 0), 1, (-15, 40), (-20, 20), (-20, 20)),
    Joint('chest', 'abdomen', (0, 0.095, 0), 1, (-15, 40), (-20, 20), (-25, 25)),
    Joint('neck', 'chest', (0, 0.150, 0), 1, (-30, 35), (-25, 25), (-35, 35)),
    Joint('head', 'neck', (0, 0.050, 0.008), 1, (-25, 30), (-15, 15), (-35, 35)),
)
_LEFT = (
    Joint('left_shoulder', 'chest', (0.108, 0.122, 0), -1, (-45, 175), (-5, 150), (-70, 80),
          'shoulders'),
    Joint('left_elbow', 'left_shoulder', (0, -0.172, 0), -1, (0, 145), length_of='arms'),
    Joint('left_wrist', 'left_elbow', (0, -0.150, 0), -1, (-60, 70), length_of='arms'),
    Joint('left_hip', 'pelvis', (0.056, 0, 0), -1, (-25, 120), (-15, 60), (-35, 40), 'hips'),
    Joint('left_knee', 'left_hip', (0, -0.245, 0), 1, (0, 145), length_of='legs'),
    Joint('left_ankle', 'left_knee', (0, -0.246, 0), -1, (-45, 25), (-15, 15), length_of='legs'),
)  # fmt: skip


def mirrored_name(name: str) -> str:
    """The same place on the other side of the body; midline names map to themselves."""
    for side, other in (('left_', 'right_'), ('right_', 'left_')):
        if name.startswith(side):
            return other + name.removeprefix(side)
    return name


def _mirrored(joint: Joint) -> Joint:
    x, y, z = joint.offset
    fields = vars(joint) | {
        'name': mirrored_name(joint.name),
        'parent': mirrored_name(joint.parent or ''),
        'offset': (-x, y, z),
    }
    return Joint(**fields)


JOINTS: tuple[Joint, ...] = _MIDLINE + _LEFT + tuple(_mirrored(joint) for joint in _LEFT)
JOINT_INDEX: Mapping[str, int] = {joint.name: i for i, joint in enumerate(JOINTS)}
LIMITS: np.ndarray = np.array([(j.flexion, j.abduction, j.twist) for j in JOINTS], dtype=float)
"""(J, 3, 2) degrees: lowest and highest flexion, abduction and twist."""


@dataclass(frozen=True)
class NamedPoint:
    """A keypoint: a joint, or a place fixed to one, and how deep it lies below the skin.

    Args:
        joint: The joint it moves with.
        offset: Position in that joint's frame, in fractions of the stature.
        depth: Distance from the point to the surface seen in front of it when nothing hides it,
            in fractions of the stature; what lies further in front hides the point.
    """

    joint: str
    offset: Triple = field(default=(0.0, 0.0, 0.0))
    depth: float = 0.05


_HEAD_POINTS = {
    'nose': NamedPoint('head', (0, 0.042, 0.068), 0.02),
    'left_eye': NamedPoint('head', (0.020, 0.061, 0.052), 0.02),
    'left_ear': NamedPoint('head', (0.047, 0.050, 0.000), 0.03),
    'head_top': NamedPoint('head', (0, 0.125, 0.004), 0.09),
    'upper_neck': NamedPoint('head', (0, 0.0, 0.0), 0.09),
}
_TRUNK_POINTS = {
    'thorax': NamedPoint('chest', (0, 0.122, 0), 0.10),
    'pelvis': NamedPoint('pelvis', (0, 0, 0), 0.12),
}
_LIMB_POINTS = {
    'left_shoulder': NamedPoint('left_shoulder', depth=0.07),
    'left_elbow': NamedPoint('left_elbow', depth=0.05),
    'left_wrist': NamedPoint('left_wrist', depth=0.05),
    'left_hip': NamedPoint('left_hip', depth=0.10),
    'left_knee': NamedPoint('left_knee', depth=0.06),
    'left_ankle': NamedPoint('left_ankle', depth=0.05),
}


def _with_right_side(points: Mapping[str, NamedPoint]) -> dict[str, NamedPoint]:
    both = dict(points)
    for name, point in points.items():
        if name.startswith('left_'):
            x, y, z = point.offset
            both[mirrored_name(name)] = NamedPoint(
                mirrored_name(point.joint), (-x, y, z), point.depth
            )
    return both


POINTS: Mapping[str, NamedPoint] = _with_right_side(_HEAD_POINTS | _TRUNK_POINTS | _LIMB_POINTS)
"""Every keypoint a data set can ask for, by name: COCO's and MPII's."""


@dataclass(frozen=True)
class Posture:
    """Where the joints are: positions (J, 3) in meters and rotations (J, 3, 3) to the world."""

    positions: np.ndarray
    rotations: np.ndarray

    def place(self, joint: str, offset: np.ndarray | Triple) -> np.ndarray:
        """The world position (3,) of a place given in a joint's frame, meters."""
        index = JOINT_INDEX[joint]
        return self.positions[index] + self.rotations[index] @ np.asarray(offset, dtype=float)


def angles_of(named: Mapping[str, Triple]) -> np.ndarray:
    """Angles (J, 3) in degrees from a table by joint name; joints left out are at rest.

    Raises:
        ValueError: An unknown joint, or an angle outside its limits.
    """
    angles = np.zeros((len(JOINTS), 3))
    for name, triple in named.items():
        if name not in JOINT_INDEX:
            raise ValueError(f'unknown joint {name!r}; joints are {", ".join(JOINT_INDEX)}')
        angles[JOINT_INDEX[name]] = triple
    outside = (angles < LIMITS[..., 0]) | (angles > LIMITS[..., 1])
    if outside.any():
        joint, kind = np.argwhere(outside)[0]
        raise ValueError(
            f'{JOINTS[joint].name}: {("flexion", "abduction", "twist")[kind]} of '
            f'{angles[joint, kind]:g} degrees is outside {tuple(LIMITS[joint, kind].tolist())}'
        )
    return angles


def mirrored_angles(angles: np.ndarray) -> np.ndarray:
    """The angles (J, 3) of the same posture seen in a mirror: left and right exchanged."""
    order = [JOINT_INDEX[mirrored_name(joint.name)] for joint in JOINTS]
    mirrored = angles[order]
    midline = [i for i, joint in enumerate(JOINTS) if mirrored_name(joint.name) == joint.name]
    mirrored[midline] *= (1, -1, -1)
    return mirrored


def rotation(axis: str, degrees: float | np.ndarray) -> np.ndarray:
    """Right-handed rotation matrices (..., 3, 3) about the axis 'x', 'y' or 'z'."""
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[axis]
    matrix = np.zeros((*np.shape(angle), 3, 3))
    matrix[..., range(3), range(3)] = 1
    matrix[..., first, first] = matrix[..., second, second] = cos
    matrix[..., first, second] = -sin
    matrix[..., second, first] = sin
    return matrix


_SIGNS = np.array([(j.flexion_sign, j.side, j.side) for j in JOINTS], dtype=float)
_PARENTS = [JOINT_INDEX.get(joint.parent or '', 0) for joint in JOINTS]


def solve(body: Body, angles: np.ndarray, *, facing: np.ndarray | None = None) -> Posture:
    """Forward kinematics: the posture of a body whose joints have these angles.

    Args:
        body: The person's measures.
        angles: (J, 3) degrees.
        facing: (3, 3) rotation of the pelvis from the body frame to the world; default identity.
    """
    flexion, abduction, twist = (angles * _SIGNS).T
    local = rotation('x', flexion) @ rotation('z', abduction) @ rotation('y', twist)
    offsets = np.array([joint.offset for joint in JOINTS])
    offsets *= body.stature * np.array([[getattr(body, joint.length_of)] for joint in JOINTS])
    positions = np.zeros((len(JOINTS), 3))
    rotations = np.empty((len(JOINTS), 3, 3))
    rotations[0] = (np.eye(3) if facing is None else facing) @ local[0]
    for index, parent in enumerate(_PARENTS[1:], start=1):
        positions[index] = positions[parent] + rotations[parent] @ offsets[index]
        rotations[index] = rotations[parent] @ local[index]
    return Posture(positions, rotations)


def named_points(body: Body, posture: Posture) -> dict[str, np.ndarray]:
    """World positions (3,) in meters of every name in ``POINTS``."""
    scale = {'head': body.stature * body.head}
    return {
        name: posture.place(
            point.joint, np.array(point.offset) * scale.get(point.joint, body.stature)
        )
        for name, point in POINTS.items()
    }

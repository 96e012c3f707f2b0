"""A figure: body parts in clothes, posture and appearance; a placement projects it into an image.

Legend:
    world frame, meters: x right, y up, z towards the viewer; the middle of the hips is the origin.
    image space, pixels: x right, y down, z towards the viewer.
    Offsets, radii and half-axes of body parts are fractions of the stature, in the frame of the
    joint that they move with (x to the subject's left, y up, z forward).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hrnet_ext.synthetic.appearance import Appearance
from hrnet_ext.synthetic.canvas import Material
from hrnet_ext.synthetic.shapes import Bounds, Ellipsoid, RoundCone, Solid
from hrnet_ext.synthetic.skeleton import (
    JOINT_INDEX,
    POINTS,
    Body,
    Posture,
    Triple,
    named_points,
    solve,
)

Place = tuple[str, Triple]
Pieces = Iterator[tuple[Solid, Material]]
CENTER: Triple = (0.0, 0.0, 0.0)

# Place and half-axes.
FACE: tuple[Place, Triple] = (('head', (0, 0.058, 0.005)), (0.047, 0.067, 0.058))
SCALP: tuple[Place, Triple] = (('head', (0, 0.076, -0.012)), (0.052, 0.058, 0.058))
# Offset from the ankle and radius.
HEEL: tuple[Triple, float] = ((0, -0.015, -0.022), 0.024)
TOES: tuple[Triple, float] = ((0, -0.021, 0.085), 0.018)


class BodyPartBuilder:
    """Cuts solids in image space to a body's measure.

    Args:
        body: The measures.
        posture: Where the joints are, meters.
        scale: Pixels per meter.
        project: World meters (3,) to image space (3,), pixels.
    """

    def __init__(
        self,
        body: Body,
        posture: Posture,
        scale: float,
        project: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self._body = body
        self._posture = posture
        self._scale = scale
        self._project = project

    def cone(self, start: Place, end: Place, radii: tuple[float, float]) -> RoundCone:
        """A tapered capsule between two places, with the radii of an average girth."""
        thickness = self._body.stature * self._body.girth * self._scale
        return RoundCone(
            self._at(*start), self._at(*end), radii[0] * thickness, radii[1] * thickness
        )

    def ellipsoid(self, place: Place, half_axes: Triple, *, width: float = 1.0) -> Ellipsoid:
        """An ellipsoid along the joint's axes, its first axis scaled by ``width``."""
        joint, offset = place
        lengths = np.array(half_axes) * self._size(joint) * self._scale
        if joint != 'head':
            lengths *= (width * self._body.girth**0.5, 1, self._body.girth)
        axes = self._posture.rotations[JOINT_INDEX[joint]] * lengths
        axes[1] *= -1  # the image's y points down
        return Ellipsoid(self._at(joint, offset), axes)

    @property
    def body(self) -> Body:
        """The measures that are cut to."""
        return self._body

    def _size(self, joint: str) -> float:
        return self._body.stature * (self._body.head if joint == 'head' else 1.0)

    def _at(self, joint: str, offset: Triple) -> np.ndarray:
        meters = np.array(offset) * self._size(joint)
        return self._project(self._posture.place(joint, meters))


def dress(builder: BodyPartBuilder, looks: Appearance) -> Pieces:
    """Every solid of a person with its material, in no particular order."""
    yield from _trunk(builder, looks)
    yield from _head(builder, looks)
    for side in ('left', 'right'):
        yield from _arm(builder, looks, side)
        yield from _leg(builder, looks, side)


def _trunk(builder: BodyPartBuilder, looks: Appearance) -> Pieces:
    shoulders, hips = builder.body.shoulders, builder.body.hips
    yield (
        builder.ellipsoid(('chest', (0, 0.036, 0.004)), (0.097, 0.130, 0.066), width=shoulders),
        looks.torso,
    )
    waist = (shoulders + hips) / 2
    yield (
        builder.ellipsoid(('abdomen', (0, 0.045, 0.004)), (0.088, 0.150, 0.062), width=waist),
        looks.shirt,
    )
    yield (
        builder.ellipsoid(('pelvis', (0, 0.004, -0.002)), (0.096, 0.076, 0.068), width=hips),
        looks.trousers,
    )
    for side in ('left', 'right'):
        collar = ('chest', (0.03 if side == 'left' else -0.03, 0.140, -0.006))
        yield builder.cone(collar, (f'{side}_shoulder', CENTER), (0.030, 0.034)), looks.shirt
    yield builder.cone(('neck', (0, -0.02, 0)), ('head', (0, 0.02, 0)), (0.034, 0.031)), looks.skin


def _head(builder: BodyPartBuilder, looks: Appearance) -> Pieces:
    yield builder.ellipsoid(*FACE), looks.skin
    nose_root: Place = ('head', (0, 0.056, 0.058))
    yield builder.cone(nose_root, ('head', (0, 0.042, 0.062)), (0.004, 0.009)), looks.skin
    yield builder.ellipsoid(('head', (0, 0.021, 0.053)), (0.016, 0.004, 0.006)), looks.lips
    for side in ('left', 'right'):
        ear, eye = POINTS[f'{side}_ear'].offset, POINTS[f'{side}_eye'].offset
        yield builder.ellipsoid(('head', ear), (0.006, 0.016, 0.011)), looks.skin
        yield builder.ellipsoid(('head', eye), (0.010, 0.007, 0.007)), looks.eyes
    if looks.bald:
        return
    yield builder.ellipsoid(*SCALP), looks.hair
    if looks.long_hair:
        back: Place = ('head', (0, 0.020, -0.030))
        yield builder.ellipsoid(back, (0.050, 0.075, 0.036)), looks.hair


def _arm(builder: BodyPartBuilder, looks: Appearance, side: str) -> Pieces:
    shoulder, elbow, wrist = (
        (f'{side}_{joint}', CENTER) for joint in ('shoulder', 'elbow', 'wrist')
    )
    yield builder.cone(shoulder, elbow, (0.037, 0.026)), looks.sleeve
    yield builder.cone(elbow, wrist, (0.026, 0.018)), looks.cuff
    palm: Place = (wrist[0], (0, -0.035, 0))
    yield builder.ellipsoid(palm, (0.012, 0.046, 0.024)), looks.skin


def _leg(builder: BodyPartBuilder, looks: Appearance, side: str) -> Pieces:
    hip, knee, ankle = ((f'{side}_{joint}', CENTER) for joint in ('hip', 'knee', 'ankle'))
    yield builder.cone(hip, knee, (0.052, 0.036)), looks.thigh
    yield builder.cone(knee, ankle, (0.035, 0.023)), looks.shank
    (heel, heel_radius), (toes, toes_radius) = HEEL, TOES
    foot = builder.cone((ankle[0], heel), (ankle[0], toes), (heel_radius, toes_radius))
    yield foot, looks.shoes


HEAD_POINTS = ('head_top', 'upper_neck', 'nose', 'left_ear', 'right_ear')


@dataclass(frozen=True)
class Placement:
    """A weak-perspective camera: where a person stands in the image and how large.

    Args:
        scale: Pixels per meter.
        x, y: Image position of the middle of the hips, pixels.
        depth: z of the middle of the hips, pixels; a higher one is nearer.
    """

    scale: float
    x: float
    y: float
    depth: float = 0.0

    def project(self, positions: np.ndarray) -> np.ndarray:
        """World meters (..., 3) to image space (..., 3)."""
        origin = np.array((self.x, self.y, self.depth))
        return origin + np.asarray(positions) * (self.scale, -self.scale, self.scale)


@dataclass(frozen=True)
class Figure:
    """A person before it is placed in an image.

    Args:
        body: The measures.
        angles: (J, 3) degrees, see ``skeleton``.
        facing: (3, 3) rotation of the pelvis to the world; identity faces the viewer.
        appearance: Skin, hair and clothes.
    """

    body: Body
    angles: np.ndarray
    facing: np.ndarray
    appearance: Appearance

    def posture(self) -> Posture:
        """Where the joints are, meters in the world frame."""
        return solve(self.body, self.angles, facing=self.facing)

    def keypoints(self, placement: Placement) -> dict[str, np.ndarray]:
        """Image-space positions (3,) of every named keypoint."""
        points = named_points(self.body, self.posture())
        return {name: placement.project(point) for name, point in points.items()}

    def skin_depth(self, name: str, placement: Placement) -> float:
        """How far below the visible surface a keypoint lies at most, pixels."""
        return POINTS[name].depth * self.body.stature * self.body.girth * placement.scale

    def head_box(self, placement: Placement) -> Bounds:
        """The rectangle (x0, y0, x1, y1) around the head from the neck to the top, pixels.

        As annotators of MPII and PoseTrack draw it: whether or not something hides the head or
        the frame cuts it off, and without hair that hangs down.
        """
        builder = self._tailor(placement)
        keypoints = self.keypoints(placement)
        corners = [builder.ellipsoid(*part).bounds() for part in (FACE, SCALP)]
        corners += [(*keypoints[name][:2], *keypoints[name][:2]) for name in HEAD_POINTS]
        x0, y0 = np.min(corners, axis=0)[:2].tolist()
        x1, y1 = np.max(corners, axis=0)[2:].tolist()
        return x0, y0, x1, y1

    def solids(self, placement: Placement) -> Iterator[tuple[Solid, Material]]:
        """The solids in image space with their materials."""
        return dress(self._tailor(placement), self.appearance)

    def _tailor(self, placement: Placement) -> BodyPartBuilder:
        return BodyPartBuilder(self.body, self.posture(), placement.scale, placement.project)

"""A figure: body, posture and appearance; a placement projects it into an image.

Legend:
    world frame, meters: x right, y up, z towards the viewer; the middle of the hips is the origin.
    image space, pixels: x right, y down, z towards the viewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hrnet_ext.synthetic.appearance import Appearance
from hrnet_ext.synthetic.body_parts import FACE, SCALP, BodyPartBuilder, dress
from hrnet_ext.synthetic.canvas import Material
from hrnet_ext.synthetic.shapes import Bounds, Solid
from hrnet_ext.synthetic.skeleton import POINTS, Body, Posture, named_points, solve

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

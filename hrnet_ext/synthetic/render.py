"""Renders a scene: the picture, whose pixels are whose, and every keypoint with its visibility.

Legend:
    visibility  COCO's: 0 outside the image (not labelled), 1 inside but hidden, 2 seen.
    keypoint positions are in pixels; whole numbers are the centres of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hrnet_ext.synthetic.canvas import NOBODY, Canvas
from hrnet_ext.synthetic.scene import Actor, Scene

OUTSIDE, HIDDEN, SEEN = 0, 1, 2


@dataclass(frozen=True)
class Person:
    """What a picture shows of somebody.

    Args:
        keypoints: Image position (x, y) by keypoint name, wherever it is.
        visibility: ``OUTSIDE``, ``HIDDEN`` or ``SEEN`` by keypoint name.
        mask: (H, W) bool, the pixels where the person is seen.
    """

    keypoints: Mapping[str, tuple[float, float]]
    visibility: Mapping[str, int]
    mask: np.ndarray


@dataclass(frozen=True)
class Rendering:
    """A picture (H, W, 3) uint8 BGR and the people in it, in the order of the scene's actors."""

    picture: np.ndarray
    people: tuple[Person, ...]


def render(scene: Scene) -> Rendering:
    """Draws a scene and finds out what of each person is seen."""
    canvas = Canvas(scene.background)
    for solid, material in scene.props:
        canvas.draw(solid, material, scene.light, owner=NOBODY)
    for owner, actor in enumerate(scene.actors, start=1):
        for solid, material in actor.figure.solids(actor.placement):
            canvas.draw(solid, material, scene.light, owner=owner)
    for mask, picture in scene.occluders:
        canvas.cover(mask, picture)
    people = tuple(
        _observe(canvas, actor, owner) for owner, actor in enumerate(scene.actors, start=1)
    )
    return Rendering(canvas.picture(), people)


def _observe(canvas: Canvas, actor: Actor, owner: int) -> Person:
    positions = actor.figure.keypoints(actor.placement)
    visibility = {
        name: visibility_at(
            canvas, position, skin_depth=actor.figure.skin_depth(name, actor.placement)
        )
        for name, position in positions.items()
    }
    keypoints = {name: (float(p[0]), float(p[1])) for name, p in positions.items()}
    return Person(keypoints, visibility, canvas.owner == owner)


def visibility_at(canvas: Canvas, position: np.ndarray, *, skin_depth: float) -> int:
    """COCO's visibility of a point inside a body.

    Args:
        canvas: The finished drawing.
        position: (3,) in image space.
        skin_depth: How far in front of the point its own skin may be, pixels; what is seen
            still nearer to the viewer hides it, be it another person or another limb.
    """
    height, width = canvas.depth.shape
    column, row = round(float(position[0])), round(float(position[1]))
    if not (0 <= column < width and 0 <= row < height):
        return OUTSIDE
    return HIDDEN if canvas.depth[row, column] > position[2] + skin_depth else SEEN

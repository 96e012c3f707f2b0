"""Render a scene: the image, the owner of every pixel, and the keypoints with their visibility.

Legend:
    visibility  COCO's: 0 outside the image (not labeled), 1 inside but hidden, 2 seen.
    keypoint positions are in pixels; whole numbers are the centers of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hrnet_ext.synthetic.canvas import NO_PERSON, Canvas
from hrnet_ext.synthetic.scene import PlacedFigure, Scene

OUTSIDE, HIDDEN, SEEN = 0, 1, 2


@dataclass(frozen=True)
class Person:
    """The visible part of a person in an image.

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
    """An image (H, W, 3) uint8 BGR, and the people in it in the order of the scene's figures."""

    image: np.ndarray
    people: tuple[Person, ...]


def render(scene: Scene) -> Rendering:
    """Draw a scene and determine the visible part of each person."""
    canvas = Canvas(scene.background)
    for solid, material in scene.props:
        canvas.draw(solid, material, scene.light, owner=NO_PERSON)
    for owner, placed in enumerate(scene.placed_figures, start=1):
        for solid, material in placed.figure.solids(placed.placement):
            canvas.draw(solid, material, scene.light, owner=owner)
    for mask, image in scene.occluders:
        canvas.cover(mask, image)
    people = tuple(
        _observe(canvas, placed, owner)
        for owner, placed in enumerate(scene.placed_figures, start=1)
    )
    return Rendering(canvas.to_image(), people)


def _observe(canvas: Canvas, placed: PlacedFigure, owner: int) -> Person:
    positions = placed.figure.keypoints(placed.placement)
    visibility = {
        name: visibility_at(
            canvas, position, skin_depth=placed.figure.skin_depth(name, placed.placement)
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

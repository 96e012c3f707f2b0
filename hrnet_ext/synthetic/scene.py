"""A scene: people placed in an image, the light on them, what is behind and in front of them.

Legend: sizes are (w, h) in pixels; angles in degrees; placements in image space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hrnet_ext.synthetic.appearance import SKIN_TONES, sample_appearance, vivid
from hrnet_ext.synthetic.background import (
    Size,
    cluttered_background,
    quiet_background,
    sample_occluder,
    with_shadow,
)
from hrnet_ext.synthetic.canvas import Light, Material
from hrnet_ext.synthetic.figure import Figure, Placement
from hrnet_ext.synthetic.pose import (
    UPRIGHT,
    VARIED,
    PoseFamily,
    sample_angles,
    sample_body,
)
from hrnet_ext.synthetic.shapes import RoundCone, Solid
from hrnet_ext.synthetic.skeleton import rotation

BEHIND_EVERYBODY = -1e4  # image-space z, pixels


@dataclass(frozen=True)
class Difficulty:
    """How hard a scene is.

    Args:
        num_people: Probability of 1, 2, ... people.
        poses: The kind of posture.
        build_spread: Variation of the bodies, as a fraction of the average.
        away: Probability that a person faces away from the viewer.
        turn: Largest yaw away from straight to or from the viewer, degrees.
        pitch: Lowest and highest angle of the camera above the horizon, degrees.
        roll: Standard deviation of the lean in the image plane, degrees.
        inside: Whether all people stand inside the frame, side by side.
        cluttered: Cluttered background, patterned clothes, objects that look like limbs,
            objects in front, and strong changes of light.
    """

    num_people: tuple[float, ...]
    poses: PoseFamily
    build_spread: float
    away: float
    turn: float
    pitch: tuple[float, float]
    roll: float
    inside: bool
    cluttered: bool


DIFFICULTIES: Mapping[str, Difficulty] = {
    'easy': Difficulty(
        num_people=(0.6, 0.4),
        poses=UPRIGHT,
        build_spread=0.04,
        away=0.35,
        turn=50,
        pitch=(0, 12),
        roll=3,
        inside=True,
        cluttered=False,
    ),
    'hard': Difficulty(
        num_people=(0.3, 0.3, 0.25, 0.15),
        poses=VARIED,
        build_spread=0.08,
        away=0.4,
        turn=90,
        pitch=(-5, 30),
        roll=14,
        inside=False,
        cluttered=True,
    ),
}


@dataclass(frozen=True)
class PlacedFigure:
    """A person in a scene."""

    figure: Figure
    placement: Placement


@dataclass(frozen=True)
class Scene:
    """Everything that an image is rendered from.

    Args:
        background: (H, W, 3) BGR.
        light: The light on people and props.
        placed_figures: The people; the first is person 1 of the owner buffer.
        props: Solids that are no people, with their materials.
        occluders: Flat things in front: where (H, W) bool, and their image (H, W, 3).
    """

    background: np.ndarray
    light: Light
    placed_figures: tuple[PlacedFigure, ...]
    props: tuple[tuple[Solid, Material], ...] = ()
    occluders: tuple[tuple[np.ndarray, np.ndarray], ...] = field(default=())


def sample_scene(rng: np.random.Generator, difficulty: Difficulty, *, size: Size) -> Scene:
    """Sample a scene for an image of ``size`` (w, h)."""
    num_people = 1 + int(rng.choice(len(difficulty.num_people), p=difficulty.num_people))
    figures = [sample_figure(rng, difficulty) for _ in range(num_people)]
    place = _side_by_side if difficulty.inside else _anywhere
    placements = place(rng, figures, size)
    placed_figures = _in_depth_order(figures, placements)

    make_background = cluttered_background if difficulty.cluttered else quiet_background
    background = make_background(rng, size)
    for placed in placed_figures:
        background = _with_shadow_of(placed, background)
    light = sample_light(rng, strong=difficulty.cluttered)
    if not difficulty.cluttered:
        return Scene(background, light, placed_figures)
    props = tuple(limb_like(rng, size) for _ in range(rng.integers(0, 7)))
    occluders = (sample_occluder(rng, size),) if rng.uniform() < 0.25 else ()
    return Scene(background, light, placed_figures, props, occluders)


def sample_figure(rng: np.random.Generator, difficulty: Difficulty) -> Figure:
    """Sample a person: body, posture, appearance and orientation."""
    yaw = rng.uniform(-difficulty.turn, difficulty.turn)
    yaw += 180 if rng.uniform() < difficulty.away else 0
    roll = rng.normal(0, difficulty.roll)
    facing = rotation('z', roll) @ rotation('x', rng.uniform(*difficulty.pitch))
    return Figure(
        body=sample_body(rng, spread=difficulty.build_spread),
        angles=sample_angles(rng, difficulty.poses),
        facing=facing @ rotation('y', yaw),
        appearance=sample_appearance(rng, plain=not difficulty.cluttered),
    )


def extent(figure: Figure, placement: Placement) -> tuple[float, float, float, float]:
    """The rectangle (x0, y0, x1, y1) in pixels around a figure, before the frame cuts it."""
    bounds = np.array([solid.bounds() for solid, _ in figure.solids(placement)])
    x0, y0 = bounds[:, :2].min(axis=0).tolist()
    x1, y1 = bounds[:, 2:].max(axis=0).tolist()
    return x0, y0, x1, y1


def sample_light(rng: np.random.Generator, *, strong: bool) -> Light:
    """Sample a light; a strong one is more directed, colored, bright or dim."""
    direction = np.array([rng.uniform(-1, 1), rng.uniform(-1, 0.1), rng.uniform(0.5, 1.2)])
    spread = 0.15 if strong else 0.05
    gain = rng.uniform(0.7, 1.2) if strong else rng.uniform(0.9, 1.1)
    blue, green, red = (gain * rng.uniform(1 - spread, 1 + spread, size=3)).tolist()
    return Light(
        direction=direction / np.linalg.norm(direction),
        ambient=rng.uniform(0.25, 0.7) if strong else rng.uniform(0.45, 0.65),
        tint=(blue, green, red),
    )


def limb_like(rng: np.random.Generator, size: Size) -> tuple[Solid, Material]:
    """A rounded bar in the background that resembles an arm or a leg."""
    width, height = size
    x, y = rng.uniform(0, 1, size=2) * (width, height)
    length, angle = rng.uniform(0.08, 0.3) * height, rng.uniform(0, 2 * np.pi)
    start = np.array([x, y, BEHIND_EVERYBODY])
    end = start + length * np.array([np.cos(angle), np.sin(angle), 0])
    thick, thin = sorted(rng.uniform(0.008, 0.04, size=2) * height, reverse=True)
    skin = SKIN_TONES[rng.integers(len(SKIN_TONES))]
    color = skin if rng.uniform() < 0.5 else vivid(rng, (0, 0.9))
    return RoundCone(start, end, thick, thin), Material(color)


def _side_by_side(rng: np.random.Generator, figures: list[Figure], size: Size) -> list[Placement]:
    """Each figure inside the frame, in its own column; neighbors may overlap a little."""
    width, height = size
    column = width / len(figures)
    # Columns of several people reach into each other: arms may overlap, trunks hardly do.
    room = width * 0.96 if len(figures) == 1 else column * 1.15
    placements = []
    for index, figure in enumerate(figures):
        x0, y0, x1, y1 = extent(figure, Placement(scale=1.0, x=0.0, y=0.0))
        scale = min(rng.uniform(0.7, 0.95) * height / (y1 - y0), room / (x1 - x0))
        half = scale * (x1 - x0) / 2
        center = column * (index + 0.5) + rng.uniform(-0.1, 0.1) * column
        center = min(max(center, half + 2), width - half - 2)
        top = rng.uniform(0.01, 0.99) * (height - 4 - scale * (y1 - y0)) + 2
        placements.append(
            Placement(scale=scale, x=center - scale * (x0 + x1) / 2, y=top - scale * y0)
        )
    return placements


def _anywhere(rng: np.random.Generator, figures: list[Figure], size: Size) -> list[Placement]:
    """Figures of any size whose middle lies in the image; the frame may cut them off."""
    width, height = size
    placements = []
    for figure in figures:
        scale = np.exp(rng.uniform(np.log(0.35), np.log(1.3))) * height / figure.body.stature
        x0, y0, x1, y1 = extent(figure, Placement(scale=scale, x=0.0, y=0.0))
        x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.25, 0.8) * height
        placements.append(Placement(scale=scale, x=x - (x0 + x1) / 2, y=y - (y0 + y1) / 2))
    return placements


def _in_depth_order(figures: list[Figure], placements: list[Placement]) -> tuple[PlacedFigure, ...]:
    """Larger people stand nearer, far enough apart that they do not run into each other."""
    placed_figures = []
    depth = 0.0
    for index in sorted(range(len(figures)), key=lambda i: placements[i].scale):
        place = placements[index]
        reach = place.scale * figures[index].body.stature / 2
        depth += reach
        placed_figures.append(
            PlacedFigure(figures[index], Placement(place.scale, place.x, place.y, depth=depth))
        )
        depth += reach
    return tuple(placed_figures)


def _with_shadow_of(placed: PlacedFigure, background: np.ndarray) -> np.ndarray:
    keypoints = placed.figure.keypoints(placed.placement)
    lowest = max(point[1] for point in keypoints.values())
    scale = placed.placement.scale
    sole = 0.07 * scale  # meters from the ankle's center to the ground, times pixels per meter
    return with_shadow(
        background, center=(placed.placement.x, lowest + sole), half_width=0.3 * scale
    )

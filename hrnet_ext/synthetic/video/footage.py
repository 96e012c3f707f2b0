"""A video: what is on the stage, what everybody does, and how the camera moves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hrnet_ext.synthetic.background import (
    Size,
    cluttered_background,
    grained,
    quiet_background,
    with_shadow,
)
from hrnet_ext.synthetic.canvas import NOBODY, Canvas, Light
from hrnet_ext.synthetic.figure import Figure, Placement
from hrnet_ext.synthetic.render import Rendering, render
from hrnet_ext.synthetic.scene import Actor, Difficulty, Scene, limb_like, sample_light
from hrnet_ext.synthetic.skeleton import solve
from hrnet_ext.synthetic.video.camera import View, film
from hrnet_ext.synthetic.video.casting import Casting, Member
from hrnet_ext.synthetic.video.gait import hip_height
from hrnet_ext.synthetic.video.plot import Plot
from hrnet_ext.synthetic.video.stage import Stage

FRAMES_PER_SECOND = 10
SHADOW = 0.3  # half its width, metres
REACH = 0.7  # of the stature: farther from the hips nobody's hands and feet are


@dataclass(frozen=True)
class Shot:
    """A rendered frame.

    Args:
        numbers: Which member of the cast each person is, in the order of ``scene.actors`` and
            ``rendering.people``; who is far from the frame is in none of them.
        scene: What the frame shows.
        rendering: How it looks.
    """

    numbers: tuple[int, ...]
    scene: Scene
    rendering: Rendering


@dataclass(frozen=True)
class Footage:
    """A video before it is rendered.

    Args:
        stage: Where it happens.
        backdrop: The stage's picture (H, W, 3) uint8, without people.
        light: The light on people.
        cast: The people.
        views: (F) What each frame shows of the stage.
        gains: (F,) Brightness of each frame.
        grain: Amplitude of the grain.
        seed: Source of chance for the grain.
    """

    stage: Stage
    backdrop: np.ndarray
    light: Light
    cast: tuple[Member, ...]
    views: tuple[View, ...]
    gains: np.ndarray
    grain: float
    seed: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.views)

    def shoot(self, index: int) -> Shot:
        """Renders frame number ``index``."""
        view, gain = self.views[index], self.gains[index]
        background = view.crop(self.backdrop, self.stage.frame)
        background = np.clip(background * np.float32(gain), 0, 255).astype(np.uint8)
        numbers = tuple(n for n in range(len(self.cast)) if self._is_near(n, index))
        actors = tuple(self.actor(number, index) for number in numbers)
        for number, actor in zip(numbers, actors):
            background = self._with_shadow(background, number, actor.placement, index)
        tint = tuple(gain * value for value in self.light.tint)
        scene = Scene(background, replace(self.light, tint=tint), actors)
        rendering = render(scene)
        rng = np.random.default_rng((*self.seed, index))
        picture = grained(rng, rendering.picture, self.grain)
        return Shot(numbers, scene, replace(rendering, picture=picture))

    def actor(self, number: int, index: int) -> Actor:
        """Where member ``number`` of the cast is at frame ``index``, in the frame or not."""
        member = self.cast[number]
        performance = member.performance
        figure = Figure(
            body=member.body,
            angles=performance.angles[index],
            facing=self.stage.facing(performance.yaw[index]),
            appearance=member.appearance,
        )
        height = hip_height(member.body, solve(member.body, figure.angles))
        placement = self.stage.place(performance.ground[index], height)
        return Actor(figure, self.views[index].place(placement))

    def _is_near(self, number: int, index: int) -> bool:
        member = self.cast[number]
        ground = member.performance.ground[index]
        placement = self.views[index].place(self.stage.place(ground, hip_height=0.0))
        reach = REACH * member.body.stature * placement.scale
        return -reach < placement.x < self.stage.frame[0] + reach

    def _with_shadow(
        self, background: np.ndarray, number: int, placement: Placement, index: int
    ) -> np.ndarray:
        view = self.views[index]
        ground = self.stage.ground_y(self.cast[number].performance.ground[index, 1])
        centre = (placement.x, (ground - view.top) * view.zoom)
        return with_shadow(background, centre=centre, half_width=SHADOW * placement.scale)


def sample_footage(
    seed: tuple[int, ...], plot: Plot, difficulty: Difficulty, *, num_frames: int, size: Size
) -> Footage:
    """Draws a video of ``num_frames`` frames of ``size`` (w, h).

    Args:
        seed: Source of chance.
        plot: What happens.
        difficulty: How hard people are to see.
        num_frames: Its length, at ``FRAMES_PER_SECOND``.
        size: Of a frame.
    """
    rng = np.random.default_rng(seed)
    times = (np.arange(num_frames) - (num_frames - 1) / 2) / FRAMES_PER_SECOND
    stage = Stage(size, pitch=rng.uniform(2, 8))
    casting = Casting(rng, times, stage, difficulty)
    for _ in casting.acts():
        plot.direct(casting)
    # All that does not depend on the resolution comes first, so that it is the same at any.
    views = film(rng, times, stage, pan=plot.pan)
    flicker = 0.02 * np.sin(2 * np.pi * rng.uniform(1, 4) * times + rng.uniform(0, 2 * np.pi))
    flicker += rng.normal(0, 0.006, size=num_frames)
    light = sample_light(rng, strong=difficulty.cluttered)
    grain = rng.uniform(2, 5) if difficulty.cluttered else 2.0
    backdrop = _backdrop(rng, stage, cluttered=difficulty.cluttered)
    return Footage(stage, backdrop, light, tuple(casting.members), views, 1 + flicker, grain, seed)


def _backdrop(rng: np.random.Generator, stage: Stage, *, cluttered: bool) -> np.ndarray:
    make = cluttered_background if cluttered else quiet_background
    picture = make(rng, stage.size, wall_foot=stage.wall_foot)
    if not cluttered:
        return picture
    canvas = Canvas(picture)
    light = sample_light(rng, strong=True)
    for _ in range(rng.integers(2, 8)):
        canvas.draw(*limb_like(rng, stage.size), light, owner=NOBODY)
    return canvas.picture()

"""A video: the room, the motions of its people, and the motion of the camera."""

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
from hrnet_ext.synthetic.canvas import NO_PERSON, Canvas, Light
from hrnet_ext.synthetic.figure import Figure, Placement
from hrnet_ext.synthetic.render import Rendering, render
from hrnet_ext.synthetic.scene import Difficulty, PlacedFigure, Scene, limb_like, sample_light
from hrnet_ext.synthetic.skeleton import solve
from hrnet_ext.synthetic.video.camera import Room, View, camera_path
from hrnet_ext.synthetic.video.motion import hip_height
from hrnet_ext.synthetic.video.people import PeopleSampler, Scenario, VideoPerson

FRAMES_PER_SECOND = 10
SHADOW = 0.3  # half its width, meters
REACH = 0.7  # of the stature: maximum distance of hands and feet from the hips


@dataclass(frozen=True)
class VideoFrame:
    """A rendered frame.

    Args:
        numbers: The subject's index of each person, in the order of ``scene.placed_figures`` and
            ``rendering.people``; subjects far outside the frame are in none of them.
        scene: What the frame shows.
        rendering: The rendered frame.
    """

    numbers: tuple[int, ...]
    scene: Scene
    rendering: Rendering


@dataclass(frozen=True)
class Video:
    """A video before it is rendered.

    Args:
        room: Where it happens.
        backdrop: The room's image (H, W, 3) uint8, without people.
        light: The light on people.
        subjects: The people.
        views: (F) What each frame shows of the room.
        gains: (F,) Brightness of each frame.
        grain: Amplitude of the grain.
        seed: Random seed of the image noise.
    """

    room: Room
    backdrop: np.ndarray
    light: Light
    subjects: tuple[VideoPerson, ...]
    views: tuple[View, ...]
    gains: np.ndarray
    grain: float
    seed: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.views)

    def render_frame(self, index: int) -> VideoFrame:
        """Renders frame number ``index``."""
        view, gain = self.views[index], self.gains[index]
        background = view.crop(self.backdrop, self.room.frame)
        background = np.clip(background * np.float32(gain), 0, 255).astype(np.uint8)
        numbers = tuple(n for n in range(len(self.subjects)) if self._is_near(n, index))
        placed_figures = tuple(self.placed(number, index) for number in numbers)
        for number, placed in zip(numbers, placed_figures):
            background = self._with_shadow(background, number, placed.placement, index)
        tint = tuple(gain * value for value in self.light.tint)
        scene = Scene(background, replace(self.light, tint=tint), placed_figures)
        rendering = render(scene)
        rng = np.random.default_rng((*self.seed, index))
        image = grained(rng, rendering.image, self.grain)
        return VideoFrame(numbers, scene, replace(rendering, image=image))

    def placed(self, number: int, index: int) -> PlacedFigure:
        """Where subject ``number`` of the video is at frame ``index``, in the frame or not."""
        subject = self.subjects[number]
        motion = subject.motion
        figure = Figure(
            body=subject.body,
            angles=motion.angles[index],
            facing=self.room.facing(motion.yaw[index]),
            appearance=subject.appearance,
        )
        height = hip_height(subject.body, solve(subject.body, figure.angles))
        placement = self.room.place(motion.ground[index], height)
        return PlacedFigure(figure, self.views[index].place(placement))

    def _is_near(self, number: int, index: int) -> bool:
        subject = self.subjects[number]
        ground = subject.motion.ground[index]
        placement = self.views[index].place(self.room.place(ground, hip_height=0.0))
        reach = REACH * subject.body.stature * placement.scale
        return -reach < placement.x < self.room.frame[0] + reach

    def _with_shadow(
        self, background: np.ndarray, number: int, placement: Placement, index: int
    ) -> np.ndarray:
        view = self.views[index]
        ground = self.room.ground_y(self.subjects[number].motion.ground[index, 1])
        center = (placement.x, (ground - view.top) * view.zoom)
        return with_shadow(background, center=center, half_width=SHADOW * placement.scale)


def sample_video(
    seed: tuple[int, ...],
    scenario: Scenario,
    difficulty: Difficulty,
    *,
    num_frames: int,
    size: Size,
) -> Video:
    """Sample a video of ``num_frames`` frames of ``size`` (w, h).

    Args:
        seed: Random seed.
        scenario: What happens.
        difficulty: How hard people are to see.
        num_frames: Its length, at ``FRAMES_PER_SECOND``.
        size: Of a frame.
    """
    rng = np.random.default_rng(seed)
    times = (np.arange(num_frames) - (num_frames - 1) / 2) / FRAMES_PER_SECOND
    room = Room(size, pitch=rng.uniform(2, 8))
    sampler = PeopleSampler(rng, times, room, difficulty)
    for _ in sampler.acts():
        scenario.direct(sampler)
    # All that does not depend on the resolution comes first, so that it is the same at any.
    views = camera_path(rng, times, room, pan=scenario.pan)
    flicker = 0.02 * np.sin(2 * np.pi * rng.uniform(1, 4) * times + rng.uniform(0, 2 * np.pi))
    flicker += rng.normal(0, 0.006, size=num_frames)
    light = sample_light(rng, strong=difficulty.cluttered)
    grain = rng.uniform(2, 5) if difficulty.cluttered else 2.0
    backdrop = _backdrop(rng, room, cluttered=difficulty.cluttered)
    return Video(
        room,
        backdrop,
        light,
        tuple(sampler.subjects),
        views,
        1 + flicker,
        grain,
        seed,
    )


def _backdrop(rng: np.random.Generator, room: Room, *, cluttered: bool) -> np.ndarray:
    make = cluttered_background if cluttered else quiet_background
    image = make(rng, room.size, wall_foot=room.wall_foot)
    if not cluttered:
        return image
    canvas = Canvas(image)
    light = sample_light(rng, strong=True)
    for _ in range(rng.integers(2, 8)):
        canvas.draw(*limb_like(rng, room.size), light, owner=NO_PERSON)
    return canvas.to_image()

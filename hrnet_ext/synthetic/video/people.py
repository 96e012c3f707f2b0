"""Sample the people of a video, without collisions, and the scenarios that they act in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hrnet_ext.synthetic.appearance import Appearance, sample_appearance
from hrnet_ext.synthetic.pose import sample_body
from hrnet_ext.synthetic.scene import Difficulty
from hrnet_ext.synthetic.skeleton import Body
from hrnet_ext.synthetic.video.camera import Room
from hrnet_ext.synthetic.video.motion import Motion, Turn, gesture, sample_gait, walk

MIN_GAP = 0.75  # meters between people, middle to middle
CLOSEST, FARTHEST = 2.6, 10.3  # meters from the viewer; the wall is at 11
ATTEMPTS = 40
ACT_FRAMES = 30  # a scenario takes about so many; longer videos repeat it with other people
BODY_HALF = 0.45  # meters beside a person's middle that arms and legs take when walking


@dataclass(frozen=True)
class VideoPerson:
    """A person in a video.

    Args:
        body, appearance: Body and appearance.
        motion: The motion.
        annotated: Whether the person is annotated; others are in ignore regions.
    """

    body: Body
    appearance: Appearance
    motion: Motion
    annotated: bool = True


class PeopleSampler:
    """Samples people and motions without collisions.

    Args:
        rng: Random generator.
        times: (F,) of the frames, seconds, 0 in the middle.
        room: The room.
        difficulty: Determines the appearance of the people.
    """

    def __init__(
        self, rng: np.random.Generator, times: np.ndarray, room: Room, difficulty: Difficulty
    ) -> None:
        self.rng = rng
        self.room = room
        self.subjects: list[VideoPerson] = []
        self._times = times
        self._difficulty = difficulty
        self._num_acts = max(round(len(times) / ACT_FRAMES), 1)
        self._act = 0

    def acts(self) -> Iterator[int]:
        """The indices of the acts of a long video; people are added to the current act."""
        for act in range(self._num_acts):
            self._act = act
            yield act

    @property
    def _duration(self) -> float:
        """Of an act, seconds."""
        return max(float(np.ptp(self._times)) / self._num_acts, 0.1)

    @property
    def _clock(self) -> np.ndarray:
        """Times (F,) of the frames, 0 in the middle of the act."""
        return self._times - (self._act - (self._num_acts - 1) / 2) * self._duration

    def add(self, make: Callable[[Body], Motion], *, annotated: bool = True) -> None:
        """Add a person with a motion sampled by ``make`` that collides with no other person.

        If all attempts fail because the room is full, no person is added.
        """
        body = sample_body(self.rng, spread=self._difficulty.build_spread)
        looks = sample_appearance(self.rng, plain=not self._difficulty.cluttered)
        for _ in range(ATTEMPTS):
            motion = make(body)
            if self._is_free(motion):
                self.subjects.append(VideoPerson(body, looks, motion, annotated))
                return

    def walker(self, *, distance: tuple[float, float], at: float, yaw: float) -> None:
        """Add a person who walks approximately in the direction ``yaw``.

        Args:
            distance: Range of the distance from the viewer in the middle of the act, meters.
            at: Approximate position then: -1 is the frame's left edge, 1 its right edge.
            yaw: See ``motion``.
        """
        rng, gait = self.rng, sample_gait(self.rng)

        def make(body: Body) -> Motion:
            away = rng.uniform(*distance)
            return walk(
                self._clock, body, gait,
                through=((at + rng.uniform(-0.2, 0.2)) * self.room.half_view(away), away),
                yaw=yaw + rng.uniform(-15, 15),
                phase=rng.uniform(0, 2 * np.pi),
            )  # fmt: skip

        self.add(make)

    def stander(self, *, distance: tuple[float, float], at: float, annotated: bool = True) -> None:
        """Add a person who stands and gestures in all acts; arguments as for :meth:`walker`."""
        if self._act:
            return  # added in the first act
        rng = self.rng

        def make(body: Body) -> Motion:
            away = rng.uniform(*distance)
            place = ((at + rng.uniform(-0.15, 0.15)) * self.room.half_view(away), away)
            yaw = rng.uniform(-70, 70) + (180 if rng.uniform() < 0.25 else 0)
            return gesture(rng, self._clock, at=place, yaw=yaw)

        self.add(make, annotated=annotated)

    def passer(self, *, side: int, when: float, inward: bool) -> None:
        """Add a person who crosses an edge of the frame.

        Args:
            side: -1 for the left edge, 1 for the right one.
            when: Fraction of the act at which the person is just outside the frame.
            inward: Whether the person enters the frame.
        """
        rng, gait = self.rng, sample_gait(self.rng, brisk=True)
        seconds = (when - 0.5) * self._duration

        def make(body: Body) -> Motion:
            away = rng.uniform(4, 8)
            edge = self.room.half_view(away) + BODY_HALF
            outside = (seconds if inward else -seconds) * gait.speed(body)
            return walk(
                self._clock, body, gait,
                through=(side * (edge + outside), away),
                yaw=-90 * side if inward else 90 * side,
                phase=rng.uniform(0, 2 * np.pi),
            )  # fmt: skip

        self.add(make)

    def returner(self, *, side: int) -> None:
        """Add a person who leaves at an edge, turns outside, and comes back."""
        rng, gait = self.rng, sample_gait(self.rng, brisk=True)
        turn = Turn(duration=0.2 * self._duration, degrees=180 * rng.choice([-1, 1]))

        def make(body: Body) -> Motion:
            away = rng.uniform(4, 7)
            radius = gait.speed(body) * turn.duration / np.pi
            edge = self.room.half_view(away + 2 * radius) + BODY_HALF
            return walk(
                self._clock, body, gait,
                through=(side * (edge + radius), away),
                yaw=90 * side,
                phase=rng.uniform(0, 2 * np.pi),
                turn=turn,
            )  # fmt: skip

        self.add(make)

    def _is_free(self, motion: Motion) -> bool:
        distance = motion.ground[:, 1]
        if distance.min() < CLOSEST or distance.max() > FARTHEST:
            return False
        others = [subject.motion.ground for subject in self.subjects]
        gaps = [np.linalg.norm(motion.ground - other, axis=1).min() for other in others]
        return all(gap > MIN_GAP for gap in gaps)


def _crossing(sampler: PeopleSampler) -> None:
    """People cross in front of and behind each other; one walks towards or away from the camera."""
    direction = sampler.rng.choice([-1, 1])
    sampler.walker(distance=(3.6, 4.6), at=0, yaw=90 * direction)
    sampler.walker(distance=(5.5, 7.0), at=0, yaw=-90 * direction)
    sampler.walker(distance=(5.0, 8.0), at=0.4 * direction, yaw=sampler.rng.choice([0, 180]))
    for _ in range(sampler.rng.integers(0, 3)):
        sampler.walker(distance=(4, 9), at=0, yaw=sampler.rng.choice([-90, 90]))


def _leaving(sampler: PeopleSampler) -> None:
    """All people leave; one comes back, and a new one enters."""
    side = sampler.rng.choice([-1, 1])
    sampler.returner(side=side)
    sampler.passer(side=-side, when=0.35, inward=False)
    sampler.passer(side=sampler.rng.choice([-1, 1]), when=0.5, inward=True)


def _bystanders(sampler: PeopleSampler) -> None:
    """People pass in front of two unannotated people in the background."""
    side = sampler.rng.choice([-1, 1])
    sampler.stander(distance=(8.5, 9.5), at=-0.35 * side, annotated=False)
    sampler.stander(distance=(8.5, 9.5), at=-0.55 * side, annotated=False)
    sampler.stander(distance=(4.5, 6), at=0.6 * side)
    sampler.walker(distance=(4, 5), at=-0.2, yaw=90)
    sampler.walker(distance=(5.5, 7), at=0.2, yaw=-90)


def _gathering(sampler: PeopleSampler) -> None:
    """A group stands and gestures; people pass in front of it and behind it."""
    for at in (-0.35, 0, 0.35):
        sampler.stander(distance=(4.2, 6.5), at=at)
    sampler.walker(distance=(3.2, 3.8), at=-0.3, yaw=sampler.rng.choice([-90, 90]))
    sampler.walker(distance=(7.5, 9), at=0.3, yaw=sampler.rng.choice([-90, 90]))


@dataclass(frozen=True)
class Scenario:
    """What happens in a video.

    Args:
        direct: Adds the people to a sampler.
        pan: Range of the camera's pan, see ``camera``.
    """

    direct: Callable[[PeopleSampler], None]
    pan: float


SCENARIOS: Mapping[str, Scenario] = {
    'crossing': Scenario(_crossing, pan=0.5),
    'leaving': Scenario(_leaving, pan=0.06),
    'bystanders': Scenario(_bystanders, pan=0.8),
    'gathering': Scenario(_gathering, pan=1.0),
}

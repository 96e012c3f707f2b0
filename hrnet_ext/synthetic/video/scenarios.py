"""Scenarios: what happens in a video. Successive videos use them in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hrnet_ext.synthetic.video.people import PeopleSampler


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

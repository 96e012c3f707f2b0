"""Plots: who does what in a video. Videos take turns with them, so that every case occurs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hrnet_ext.synthetic.video.casting import Casting


def _crossing(casting: Casting) -> None:
    """People walk across, before and behind one another; somebody comes near or goes away."""
    direction = casting.rng.choice([-1, 1])
    casting.walker(distance=(3.6, 4.6), at=0, yaw=90 * direction)
    casting.walker(distance=(5.5, 7.0), at=0, yaw=-90 * direction)
    casting.walker(distance=(5.0, 8.0), at=0.4 * direction, yaw=casting.rng.choice([0, 180]))
    for _ in range(casting.rng.integers(0, 3)):
        casting.walker(distance=(4, 9), at=0, yaw=casting.rng.choice([-90, 90]))


def _leaving(casting: Casting) -> None:
    """Everybody leaves; somebody comes back, and somebody new."""
    side = casting.rng.choice([-1, 1])
    casting.returner(side=side)
    casting.passer(side=-side, when=0.35, inward=False)
    casting.passer(side=casting.rng.choice([-1, 1]), when=0.5, inward=True)


def _bystanders(casting: Casting) -> None:
    """People pass before two in the background whom nobody annotated."""
    side = casting.rng.choice([-1, 1])
    casting.stander(distance=(8.5, 9.5), at=-0.35 * side, annotated=False)
    casting.stander(distance=(8.5, 9.5), at=-0.55 * side, annotated=False)
    casting.stander(distance=(4.5, 6), at=0.6 * side)
    casting.walker(distance=(4, 5), at=-0.2, yaw=90)
    casting.walker(distance=(5.5, 7), at=0.2, yaw=-90)


def _gathering(casting: Casting) -> None:
    """A group stands together and gestures; people pass before it and behind it."""
    for at in (-0.35, 0, 0.35):
        casting.stander(distance=(4.2, 6.5), at=at)
    casting.walker(distance=(3.2, 3.8), at=-0.3, yaw=casting.rng.choice([-90, 90]))
    casting.walker(distance=(7.5, 9), at=0.3, yaw=casting.rng.choice([-90, 90]))


@dataclass(frozen=True)
class Plot:
    """What happens in a video.

    Args:
        direct: Adds people to a casting.
        pan: How widely the camera swings, see ``camera``.
    """

    direct: Callable[[Casting], None]
    pan: float


PLOTS: Mapping[str, Plot] = {
    'crossing': Plot(_crossing, pan=0.5),
    'leaving': Plot(_leaving, pan=0.06),
    'bystanders': Plot(_bystanders, pan=0.8),
    'gathering': Plot(_gathering, pan=1.0),
}

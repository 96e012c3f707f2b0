"""The room, a floor in front of a wall, and the camera that pans and zooms over its image.

Legend: room pixels, x right, y down, z towards the viewer; sizes are (w, h).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hrnet_ext.synthetic.background import Size
from hrnet_ext.synthetic.figure import Placement
from hrnet_ext.synthetic.skeleton import rotation

WALL = 11.0  # meters from the viewer
CAMERA_HEIGHT = 1.6  # meters above the ground
HORIZON = 0.33  # of a frame's height, what is as high as the camera
FOCAL_LENGTH = 1.4  # frame heights; a person at 3.6 m fits into the frame
DEPTH_PER_METER = 0.6  # frame heights of image-space z; separates people a step apart


@dataclass(frozen=True)
class Room:
    """A camera's view of the ground, wider than a frame.

    All lengths are proportional to the frame's height, so that the content does not depend on the
    resolution.

    Args:
        frame: Size of a frame at zoom 1, pixels.
        pitch: Angle of the camera above the horizon as it shows in people, degrees.
        margin: Width and height of the room divided by those of a frame.
    """

    frame: Size
    pitch: float = 4.0
    margin: tuple[float, float] = (1.6, 1.15)

    @property
    def size(self) -> Size:
        """Size of the room's image, pixels."""
        (width, height), (wider, higher) = self.frame, self.margin
        return round(width * wider), round(height * higher)

    @property
    def horizon(self) -> float:
        """Room y of what is as high as the camera."""
        return self.size[1] / 2 - (0.5 - HORIZON) * self.frame[1]

    @property
    def wall_foot(self) -> int:
        """Room y where the wall meets the floor."""
        return round(self.ground_y(WALL))

    def scale(self, distance: float) -> float:
        """Pixels per meter at a distance."""
        return FOCAL_LENGTH * self.frame[1] / distance

    def ground_y(self, distance: float) -> float:
        """Room y of the ground at a distance."""
        return self.horizon + CAMERA_HEIGHT * self.scale(distance)

    def half_view(self, distance: float) -> float:
        """Metres from the middle of a frame in the room's middle to its left or right edge."""
        return self.frame[0] / 2 / self.scale(distance)

    def facing(self, yaw: float) -> np.ndarray:
        """Rotation (3, 3) of a person who faces ``yaw``, in the camera's frame."""
        return rotation('x', self.pitch) @ rotation('y', yaw)

    def place(self, ground: np.ndarray, hip_height: float) -> Placement:
        """The placement of a person in the image.

        Args:
            ground: (2,) meters.
            hip_height: Of the middle of the hips above the ground, meters.
        """
        x, distance = ground.tolist()
        scale = self.scale(distance)
        hips = hip_height * np.cos(np.radians(self.pitch))
        return Placement(
            scale=scale,
            x=(self.size[0] - 1) / 2 + x * scale,
            y=self.ground_y(distance) - hips * scale,
            depth=-distance * DEPTH_PER_METER * self.frame[1],
        )


@dataclass(frozen=True)
class View:
    """What a frame shows of the room.

    Args:
        left, top: Room position of the frame's first pixel.
        zoom: Frame pixels per room pixel, at least 1.
    """

    left: float
    top: float
    zoom: float

    def place(self, placement: Placement) -> Placement:
        """A placement on the room as one in the frame."""
        return Placement(
            scale=placement.scale * self.zoom,
            x=(placement.x - self.left) * self.zoom,
            y=(placement.y - self.top) * self.zoom,
            depth=placement.depth * self.zoom,
        )

    def to_room(self, points: np.ndarray) -> np.ndarray:
        """Frame positions (..., 2) as room positions."""
        return np.asarray(points) / self.zoom + (self.left, self.top)

    def crop(self, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The frame, of ``size`` (w, h), of the room's image (H, W, 3)."""
        to_room = np.array([[1 / self.zoom, 0, self.left], [0, 1 / self.zoom, self.top]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(image, to_room, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def camera_path(
    rng: np.random.Generator, times: np.ndarray, room: Room, *, pan: float
) -> tuple[View, ...]:
    """The views (F,) of a hand-held camera.

    Args:
        rng: Random generator.
        times: (F,) of the frames.
        room: The room.
        pan: Maximum pan to the left and right, as a fraction of the room's margin.
    """
    (width, height), (stage_width, stage_height) = room.frame, room.size
    zoom = 1 + rng.uniform(0.02, 0.12) * (1 + _waves(rng, times, slowest=0.1)) / 2
    free = np.array([stage_width - width, stage_height - height]) / 2
    swing = pan * _waves(rng, times, slowest=0.12)
    shake = 0.012 * height * np.stack([_waves(rng, times, slowest=0.5) for _ in 'xy'], axis=1)
    offsets = shake + np.stack([swing * free[0], 0.3 * _waves(rng, times) * free[1]], axis=1)
    offsets = np.clip(offsets, -free, free)
    middles = np.array([stage_width, stage_height]) / 2 + offsets
    corners = middles - np.array([width, height]) / 2 / zoom[:, None]
    return tuple(
        View(left, top, each) for (left, top), each in zip(corners.tolist(), zoom.tolist())
    )


def _waves(rng: np.random.Generator, times: np.ndarray, slowest: float = 0.15) -> np.ndarray:
    """A smooth random curve (F,) between -1 and 1; its slowest wave's frequency in Hz is given."""
    slow, fast = np.array([1.0, 2.3]) * slowest * rng.uniform(0.8, 1.2, size=2)
    phases = rng.uniform(0, 2 * np.pi, size=2)
    curve = 0.8 * np.sin(2 * np.pi * slow * times + phases[0])
    return curve + 0.2 * np.sin(2 * np.pi * fast * times + phases[1])

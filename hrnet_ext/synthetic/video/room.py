"""The room: a floor in front of a wall, and the projection of ground positions into its image.

Legend: room pixels, x right, y down, z towards the viewer; sizes are (w, h).
"""

from __future__ import annotations

from dataclasses import dataclass

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

"""The canvas: an image with a depth buffer and the owner of every pixel.

Legend:
    H, W   size of the image; arrays are (H, W), coordinates (x, y) with whole pixel centers.
    colors are BGR, 0 to 255, as OpenCV writes them.
    owner (H, W)  which person is seen: 0 none, 1 ... people, ``OCCLUDER`` an object in front.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hrnet_ext.synthetic.shapes import Solid

NO_PERSON = 0
OCCLUDER = 255

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """A far lamp and what comes from everywhere.

    Args:
        direction: Unit vector (3,) from the scene to the lamp, image space.
        ambient: Fraction of the light without direction, 0 to 1.
        tint: BGR factors on every color.
    """

    direction: np.ndarray
    ambient: float = 0.5
    tint: Color = (1.0, 1.0, 1.0)

    def shade(self, normals: np.ndarray) -> np.ndarray:
        """Brightness (n,) of surfaces with these unit normals (n, 3)."""
        lambert = np.maximum(normals @ self.direction.astype(normals.dtype), 0)
        sky = 0.85 - 0.15 * normals[:, 1]
        # A rim that turns away from the viewer is darker: it sets a limb off from what is behind.
        rim = 0.72 + 0.28 * normals[:, 2]
        return (self.ambient * sky + (1.15 - self.ambient) * lambert) * rim


@dataclass(frozen=True)
class Material:
    """Colors of a surface.

    Args:
        color: The main color.
        second: The color of the pattern.
        pattern: 'plain'; 'hem': ``second`` from local y = ``size`` on; 'stripes' along local y and
            'bars' along local x, ``size`` of them; 'badge': a patch on the chest, local z > 0.
        size: See ``pattern``.
    """

    color: Color
    second: Color = (0.0, 0.0, 0.0)
    pattern: str = 'plain'
    size: float = 0.0

    def colors(self, local: np.ndarray) -> np.ndarray:
        """BGR (n, 3) at local coordinates (n, 3)."""
        x, y, z = local.T
        if self.pattern == 'hem':
            chosen = y > self.size
        elif self.pattern == 'stripes':
            chosen = np.floor(y * self.size) % 2 == 0
        elif self.pattern == 'bars':
            chosen = np.floor(x * self.size) % 2 == 0
        elif self.pattern == 'badge':
            chosen = (z > 0.2) & (np.abs(x) < self.size) & (np.abs(y - 0.1) < self.size)
        else:
            chosen = np.zeros(len(local), dtype=bool)
        pair = np.array([self.color, self.second], dtype=np.float32)
        return pair[chosen.astype(np.intp)]


class Canvas:
    """An image that solids are drawn on in any order, the nearest winning.

    Args:
        image: (H, W, 3) BGR background, copied.
    """

    def __init__(self, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        self.image = np.array(image, dtype=np.float32, order='C')  # drawn on through flat views
        self.depth = np.full((height, width), -np.inf, dtype=np.float32)
        self.owner = np.zeros((height, width), dtype=np.uint8)
        self.part = np.zeros((height, width), dtype=np.int16)
        self._num_parts = 0

    def draw(self, solid: Solid, material: Material, light: Light, *, owner: int) -> None:
        """Draw a solid where it is nearer than the existing content, clipped to the frame."""
        height, width = self.depth.shape
        bounds = np.asarray(solid.bounds())
        x0, y0 = np.maximum(np.floor(bounds[:2]), 0).astype(int)
        x1, y1 = np.minimum(np.ceil(bounds[2:]) + 1, (width, height)).astype(int)
        self._num_parts += 1
        if x0 >= x1 or y0 >= y1:
            return
        xs, ys = np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32)
        depth, extra = solid.cast(xs, ys)
        nearer = np.flatnonzero(depth > self.depth[y0:y1, x0:x1])
        if not len(nearer):
            return
        rows, columns = np.divmod(nearer, x1 - x0)
        seen = depth.ravel()[nearer]
        points = np.stack([xs[columns], ys[rows], seen], axis=1)
        normals, local = solid.surface(points, None if extra is None else extra.ravel()[nearer])
        tint = np.array(light.tint, dtype=np.float32)
        pixels = (rows + y0) * width + columns + x0
        shade = light.shade(normals)[:, None] * tint
        self.image.reshape(-1, 3)[pixels] = material.colors(local) * shade
        self.depth.ravel()[pixels] = seen
        self.owner.ravel()[pixels] = owner
        self.part.ravel()[pixels] = self._num_parts

    def cover(self, mask: np.ndarray, colors: np.ndarray) -> None:
        """Puts a flat thing in front of everything: mask (H, W) bool, colors (H, W, 3) BGR."""
        self._num_parts += 1
        self.image[mask] = colors[mask]
        self.depth[mask] = np.inf
        self.owner[mask] = OCCLUDER
        self.part[mask] = self._num_parts

    def to_image(self) -> np.ndarray:
        """The image (H, W, 3) uint8, its staircase outlines softened."""
        image = np.clip(self.image, 0, 255)
        edges = np.zeros(self.part.shape, dtype=bool)
        across = self.part[:, 1:] != self.part[:, :-1]
        down = self.part[1:] != self.part[:-1]
        edges[:, 1:] |= across
        edges[:, :-1] |= across
        edges[1:] |= down
        edges[:-1] |= down
        image[edges] = cv2.GaussianBlur(image, (3, 3), 0.7)[edges]
        return np.rint(image).astype(np.uint8)

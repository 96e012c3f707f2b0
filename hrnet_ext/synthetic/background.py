"""Background and foreground: walls, floors, clutter, and occluding objects.

Legend: images are (H, W, 3) BGR; sizes are (w, h) in pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from hrnet_ext.synthetic.appearance import vivid
from hrnet_ext.synthetic.canvas import Color

Size = tuple[int, int]


def quiet_background(
    rng: np.random.Generator, size: Size, *, wall_foot: int | None = None
) -> np.ndarray:
    """A wall and a floor in soft colors with faint stains: (H, W, 3) uint8.

    Args:
        rng: Random generator.
        size: Of the image (w, h).
        wall_foot: The row where the wall meets the floor; a random one if not given.
    """
    image = _wall_and_floor(rng, size, saturation=(0.0, 0.35), wall_foot=wall_foot)
    image += _gray(12 * _noise(rng, size, cell=int(rng.integers(24, 64))))
    image = _to_bytes(image)
    for _ in range(rng.integers(0, 4)):
        _draw_thing(rng, image, _muted(rng, image), outline=False)
    return grained(rng, image, 3.0)


def cluttered_background(
    rng: np.random.Generator, size: Size, *, wall_foot: int | None = None
) -> np.ndarray:
    """Gradients, textures, and things of every color and form: (H, W, 3) uint8.

    Args:
        rng, size, wall_foot: As for :func:`quiet_background`.
    """
    image = _wall_and_floor(rng, size, saturation=(0.0, 0.8), wall_foot=wall_foot)
    for cell in (64, 24, 8):
        stains = rng.uniform(5, 30) * _noise(rng, size, cell=cell)
        image += cv2.merge([stains * share for share in rng.uniform(-1, 1, size=3).tolist()])
    if rng.uniform() < 0.5:
        image += _gray(_weave(rng, size))
    image = _to_bytes(image)
    for _ in range(rng.integers(8, 30)):
        _draw_thing(rng, image, vivid(rng, (0, 0.9)), outline=rng.uniform() < 0.3)
    if rng.uniform() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 2.5))
    return grained(rng, image, rng.uniform(2, 8))


def with_shadow(image: np.ndarray, *, center: tuple[float, float], half_width: float) -> np.ndarray:
    """The image with a shadow on the floor around ``center``, pixels."""
    light = np.ones(image.shape[:2], dtype=np.float32)
    axes = (max(int(half_width), 1), max(int(half_width * 0.28), 1))
    cv2.ellipse(light, (round(center[0]), round(center[1])), axes, 0, 0, 360, 0.6, -1)
    light = cv2.blur(light, (1 + 2 * (axes[1] // 2),) * 2)
    return cv2.multiply(image, _gray(light), dtype=cv2.CV_8U)


def sample_occluder(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """A bar or a box in the foreground: where it is (H, W) bool and its image (H, W, 3)."""
    width, height = size
    mask = np.zeros((height, width), dtype=np.uint8)
    if rng.uniform() < 0.5:
        x = int(rng.uniform(0.1, 0.9) * width)
        lean = int(rng.normal(0, 0.08) * width)
        cv2.line(mask, (x, -5), (x + lean, height + 5), 1, int(width * rng.uniform(0.02, 0.07)))
    else:
        side, top = rng.uniform(0.0, 0.8) * width, rng.uniform(0.65, 0.9) * height
        corner = (int(side + rng.uniform(0.15, 0.5) * width), height)
        cv2.rectangle(mask, (int(side), int(top)), corner, 1, -1)
    image = np.full((height, width, 3), vivid(rng, (0, 0.8)), dtype=np.float32)
    image += _gray(18 * _noise(rng, size, cell=8))
    return mask.astype(bool), image


def grained(rng: np.random.Generator, image: np.ndarray, amplitude: float) -> np.ndarray:
    """The image (H, W, 3) uint8 with sensor-like grain on every pixel."""
    grain = rng.standard_normal(image.shape[:2], dtype=np.float32) * np.float32(amplitude)
    return cv2.add(image, _gray(grain), dtype=cv2.CV_8U)


def _wall_and_floor(
    rng: np.random.Generator,
    size: Size,
    *,
    saturation: tuple[float, float],
    wall_foot: int | None,
) -> np.ndarray:
    width, height = size
    top, bottom, floor = (np.array(vivid(rng, saturation)) for _ in range(3))
    ramp = np.linspace(0, 1, height)[:, None]
    rows = top + ramp * (bottom - top)
    edge = int(rng.uniform(0.55, 0.95) * height) if wall_foot is None else wall_foot
    rows[edge:] = floor * (0.8 + 0.3 * ramp[: height - edge])
    slope = np.linspace(*rng.uniform(-18, 18, size=2), width, dtype=np.float32)
    return cv2.merge([channel[:, None] + slope for channel in rows.T.astype(np.float32)])


def _noise(rng: np.random.Generator, size: Size, *, cell: int) -> np.ndarray:
    """Smooth noise (H, W) of unit amplitude whose blotches are ``cell`` pixels wide."""
    width, height = size
    grid = rng.uniform(-1, 1, size=(height // cell + 2, width // cell + 2)).astype(np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)


def _weave(rng: np.random.Generator, size: Size) -> np.ndarray:
    """Parallel stripes (H, W) in a random direction."""
    width, height = size
    angle = rng.uniform(0, np.pi)
    along, across = (2 * np.pi / rng.uniform(6, 40) * f(angle) for f in (np.cos, np.sin))
    x = np.arange(width, dtype=np.float32) * np.float32(along)
    y = np.arange(height, dtype=np.float32) * np.float32(across)
    return np.float32(rng.uniform(5, 30)) * np.sin(x + y[:, None])


def _muted(rng: np.random.Generator, image: np.ndarray) -> Color:
    """A color near the one that is there anyway."""
    height, width = image.shape[:2]
    there = image[rng.integers(height), rng.integers(width)].astype(float)
    blue, green, red = np.clip(there + rng.uniform(-30, 30, size=3), 0, 255).tolist()
    return blue, green, red


def _draw_thing(
    rng: np.random.Generator, image: np.ndarray, color: Color, *, outline: bool
) -> None:
    height, width = image.shape[:2]
    x, y = (rng.uniform(0, 1, size=2) * (width, height)).astype(int).tolist()
    half_width, half_height = (rng.uniform(0.02, 0.2, size=2) * (width, height)).astype(int)
    thickness = int(rng.integers(1, 6)) if outline else -1
    kind = rng.integers(3)
    if kind == 0:
        corners = (x - int(half_width), y - int(half_height), 2 * half_width, 2 * half_height)
        cv2.rectangle(image, tuple(int(v) for v in corners), color, thickness)
        return
    if kind == 1:
        axes = (int(half_width) + 1, int(half_height) + 1)
        cv2.ellipse(image, (x, y), axes, rng.uniform(0, 180), 0, 360, color, thickness, cv2.LINE_AA)
        return
    spread = rng.uniform(-1, 1, size=(int(rng.integers(3, 7)), 2)) * (half_width, half_height)
    corners = (spread + np.array((x, y))).astype(np.int32)
    if outline:
        cv2.polylines(image, [corners], True, color, thickness, cv2.LINE_AA)
    else:
        cv2.fillPoly(image, [corners], color, cv2.LINE_AA)


def _gray(plane: np.ndarray) -> np.ndarray:
    """A plane (H, W) as three equal channels; faster than broadcasting along the last axis."""
    return cv2.merge([plane, plane, plane])


def _to_bytes(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 255).astype(np.uint8)

"""Solids seen by an orthographic camera: tapered capsules and ellipsoids, in closed form.

Legend:
    image space, pixels: x right, y down, z towards the viewer; a pixel's center has whole
    coordinates. A camera ray runs along -z, so the point seen at (x, y) is the one of highest z.
    Bounds are (x0, y0, x1, y1). (h, w) is the requested window of pixels.
    local (n, 3)  a surface point in the solid's own frame, for patterns of clothes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

Bounds = tuple[float, float, float, float]
MIN_CURVATURE = 1e-2  # square pixels; a cone nearer to the limit case is taken to lie there


class Solid(Protocol):
    """What the canvas needs to know of a solid."""

    def bounds(self) -> Bounds:
        """The rectangle that holds the solid's image."""

    def cast(self, xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Depth z (h, w) seen at columns ``xs`` (w,) and rows ``ys`` (h,), -inf beside the solid.

        The second value is whatever :meth:`surface` wants to have back, (h, w).
        """

    def surface(
        self, points: np.ndarray, extra: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Outward unit normals (n, 3) and local coordinates (n, 3) at surface points (n, 3)."""


@dataclass(frozen=True)
class RoundCone:
    """A tapered capsule: the hull of two spheres. Local y runs from 0 at the start to 1.

    Args:
        start, end: Centers of the spheres (3,).
        start_radius, end_radius: Their radii in pixels.
    """

    start: np.ndarray
    end: np.ndarray
    start_radius: float
    end_radius: float

    def bounds(self) -> Bounds:
        ax, ay, _ = self.start
        bx, by, _ = self.end
        ra, rb = self.start_radius, self.end_radius
        return min(ax - ra, bx - rb), min(ay - ra, by - rb), max(ax + ra, bx + rb), max(
            ay + ra, by + rb
        )  # fmt: skip

    def cast(self, xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        # The surface is the upper envelope over t in [0, 1] of the spheres along the axis,
        #     z(t) = az + dz t + sqrt(alpha t^2 + 2 beta t + gamma).
        # Where its slope vanishes, alpha t + beta = -dz sqrt(...), which is quadratic in t.
        dx, dy, dz = (self.end - self.start).tolist()
        x, y, z = self.start.tolist()
        growth = self.end_radius - self.start_radius
        px, py = (xs - x)[None, :], (ys - y)[:, None]
        alpha = growth**2 - dx**2 - dy**2
        end_on = alpha > -MIN_CURVATURE
        if abs(alpha) < MIN_CURVATURE:
            alpha = -MIN_CURVATURE
        beta = self.start_radius * growth + px * dx + py * dy
        gamma = self.start_radius**2 - px**2 - py**2

        def depth_at(t: np.ndarray) -> np.ndarray:
            height_sq = (alpha * t + 2 * beta) * t + gamma
            depth = z + dz * t + np.sqrt(np.maximum(height_sq, 0))
            depth[height_sq <= 0] = -np.inf
            return depth

        stationary_sq = np.maximum((beta**2 - alpha * gamma) / max(dz**2 - alpha, 1e-6), 0)
        t = np.clip((-dz * np.sqrt(stationary_sq) - beta) / alpha, 0, 1)
        depth = depth_at(t)
        if end_on:  # z(t) is no longer concave, so that an end may be higher
            for end in (np.zeros_like(t), np.ones_like(t)):
                end_depth = depth_at(end)
                t = np.where(end_depth > depth, end, t)
                depth = np.maximum(depth, end_depth)
        return depth, t

    def surface(
        self, points: np.ndarray, extra: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        assert extra is not None
        start, along = (v.astype(points.dtype) for v in (self.start, self.end - self.start))
        normals = points - start - extra[:, None] * along
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        local = np.zeros_like(points)
        local[:, 1] = extra
        return normals, local


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid. Local coordinates run from -1 to 1 along its axes.

    Args:
        center: (3,).
        axes: (3, 3), the half-axes in pixels as columns.
    """

    center: np.ndarray
    axes: np.ndarray

    def bounds(self) -> Bounds:
        half_width, half_height, _ = np.sqrt((self.axes**2).sum(axis=1))
        x, y, _ = self.center
        return x - half_width, y - half_height, x + half_width, y + half_height

    def cast(self, xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        inverse = np.linalg.inv(self.axes)
        # (p - center)' Q (p - center) = 1 is quadratic in z; the viewer sees the larger solution.
        (qxx, qxy, qxz), (_, qyy, qyz), (_, _, qzz) = (inverse.T @ inverse).tolist()
        x, y, z = self.center.tolist()
        px, py = (xs - x)[None, :], (ys - y)[:, None]
        half_b = qxz * px + qyz * py
        discriminant = half_b**2 - qzz * (qxx * px**2 + 2 * qxy * px * py + qyy * py**2 - 1)
        depth = z + (np.sqrt(np.maximum(discriminant, 0)) - half_b) / qzz
        depth[discriminant <= 0] = -np.inf
        return depth, None

    def surface(
        self, points: np.ndarray, extra: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        inverse = np.linalg.inv(self.axes).astype(points.dtype)
        local = (points - self.center.astype(points.dtype)) @ inverse.T
        normals = local @ inverse
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return normals, local

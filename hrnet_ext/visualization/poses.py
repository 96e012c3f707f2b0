"""Draw poses on an image; every drawing of poses uses these functions.

Legend: images (H, W, 3) uint8, RGB; N persons; K keypoints; keypoints (N, K, 2) and boxes (N, 4),
x1, y1, x2, y2, in image space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from hrnet_ext.formats.metainfo import BOX, INK, Color, color_of, side_of, track_color
from hrnet_ext.visualization.labels import draw_labels

PERSON_TO_LIMB = 70  # a limb's width is this fraction of the person's longer side
HEADROOM = 0.15  # of the keypoints' extent, above it
SHIFT = 4  # bits of a pixel's fraction in OpenCV's coordinates
Point = tuple[int, int]
FARTHEST = 1 << 20  # pixels; OpenCV's coordinates are 32 bits


@dataclass(frozen=True)
class Skeleton:
    """Limbs and colors of a person.

    Args:
        links: Limbs as pairs of keypoint indices.
        keypoint_colors: K colors.
        link_colors: A color for each limb.
    """

    links: Sequence[tuple[int, int]]
    keypoint_colors: Sequence[Color]
    link_colors: Sequence[Color]

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> Skeleton:
        """The skeleton of a data set, in the colors of the palette.

        Args:
            meta: Metadata from ``mmpose.datasets.datasets.utils.parse_pose_metainfo``; its colors
                are not used.
        """
        names = [meta['keypoint_id2name'][k] for k in range(meta['num_keypoints'])]
        sides = [side_of(name, names[k]) for name, k in zip(names, meta['flip_indices'])]
        links = [tuple(link) for link in meta['skeleton_links']]
        return cls(
            links=links,
            keypoint_colors=[color_of([side]) for side in sides],
            link_colors=[color_of([sides[a], sides[b]]) for a, b in links],
        )

    def in_color(self, color: Color) -> Skeleton:
        """The same skeleton in one color."""
        return Skeleton(self.links, [color] * len(self.keypoint_colors), [color] * len(self.links))


@dataclass(frozen=True)
class Style:
    """How persons are drawn.

    Args:
        skeleton: Limbs and colors.
        thickness: Thickness of limbs in pixels; None derives it from the sizes of person and image.
        radius: Radius of keypoints in pixels; None derives it from the thickness, 0 draws none.
        min_score: Predicted keypoints with a lower score are not drawn.
        draw_boxes: Draw the person boxes.
        draw_scores: Write the score of each pose (box score times mean keypoint score).

    Raises:
        ValueError: If a thickness or radius is too small.
    """

    skeleton: Skeleton
    thickness: int | None = None
    radius: int | None = None
    min_score: float = 0.3
    draw_boxes: bool = False
    draw_scores: bool = False

    def __post_init__(self) -> None:
        for name, least in (('thickness', 1), ('radius', 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f'{name} should be at least {least} (pixels), but is {value}')


def draw_poses(image: np.ndarray, instances: Any, style: Style) -> np.ndarray:
    """A copy of an image with persons drawn on it, the first one on top.

    Args:
        image: (H, W, 3).
        instances: An ``InstanceData`` or a dict with ``keypoints`` and either ``keypoint_scores``
            (a prediction) or ``keypoints_visible`` (ground truth), optionally with
            ``bboxes``, ``bbox_scores`` and ``track_ids`` (N,). Tracked persons have the color of
            their track, and its id above them.
        style: Limbs, colors and sizes.
    """
    canvas = np.array(image, order='C')
    keypoints, drawn = _keypoints(instances, style.min_score)
    extents = _extents(keypoints, drawn)
    boxes = np.asarray(instances.get('bboxes', extents), float)
    ids = instances.get('track_ids')
    colors = [None] * len(boxes) if ids is None else [track_color(int(i)) for i in ids]
    for i in reversed(range(len(boxes))):
        thickness = limb_thickness(max(boxes[i, 2:] - boxes[i, :2]), canvas.shape, style)
        if style.draw_boxes:
            _draw_box(canvas, boxes[i], colors[i] or BOX, thickness)
        skeleton = style.skeleton.in_color(colors[i]) if colors[i] else style.skeleton
        points = _fixed(keypoints[i], drawn[i])
        _draw_limbs(canvas, points, skeleton, thickness)
        if style.radius != 0:
            radius = style.radius or 0.6 + 0.75 * thickness
            _draw_joints(canvas, points, skeleton.keypoint_colors, radius, thickness)
    texts = [[] for _ in boxes] if ids is None else [[str(int(i))] for i in ids]
    if style.draw_scores and 'keypoint_scores' in instances:
        scores = np.mean(instances.get('keypoint_scores'), axis=1)
        for text, score in zip(texts, scores * np.asarray(instances.get('bbox_scores', 1))):
            text.append(f'{score:.2f}')
    places = boxes[:, :2] if style.draw_boxes else _above_heads(boxes, extents)
    draw_labels(canvas, places, list(map('  '.join, texts)), [color or INK for color in colors])
    return canvas


def limb_thickness(person_side: float, shape: Sequence[int], style: Style) -> int:
    """Thickness in pixels, from the longer side of the person's box and the shape of the image."""
    if style.thickness is not None:
        return style.thickness
    image_side = min(shape[:2])
    thinnest, thickest = max(1, round(image_side / 500)), max(2, round(image_side / 180))
    return int(np.clip(round(person_side / PERSON_TO_LIMB), thinnest, thickest))


def _keypoints(instances: Any, min_score: float) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (N, K, 2) and which of them to draw (N, K)."""
    keypoints = np.asarray(instances.get('keypoints'), float)
    if 'keypoint_scores' in instances:
        drawn = np.asarray(instances.get('keypoint_scores')) >= min_score
    else:
        drawn = np.asarray(instances.get('keypoints_visible')) > 0
    return keypoints, drawn & np.isfinite(keypoints).all(axis=2)


def _extents(keypoints: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The smallest boxes (N, 4) around the keypoints that are drawn; 0 if there are none."""
    extents = np.zeros((len(keypoints), 4))
    for i in np.flatnonzero(drawn.any(axis=1)):
        points = keypoints[i, drawn[i]]
        extents[i] = *points.min(axis=0), *points.max(axis=0)
    return extents


def _above_heads(boxes: np.ndarray, extents: np.ndarray) -> np.ndarray:
    """Corners (N, 2) of labels: at the invisible box, but close to the keypoints."""
    x, y = extents[:, 0], extents[:, 1] - HEADROOM * (extents[:, 3] - extents[:, 1])
    near = np.maximum(boxes[:, :2], np.stack([x, y], axis=1))
    return np.where(extents.any(axis=1, keepdims=True), near, boxes[:, :2])


def _draw_box(canvas: np.ndarray, box: np.ndarray, color: Color, thickness: int) -> None:
    """A thin line with a dark border, visible on white and on black."""
    thin = max(1, thickness // 2)
    x1, y1, x2, y2 = np.rint(np.clip(box, -FARTHEST, FARTHEST)).astype(int).tolist()
    for line_color, width in ((INK, thin + 1), (color, thin)):
        cv2.rectangle(canvas, (x1, y1), (x2, y2), line_color, width)


def _draw_limbs(
    canvas: np.ndarray, points: list[Point | None], skeleton: Skeleton, thickness: int
) -> None:
    """Limbs between known points; thick ones have an outline."""
    outline = 2 * (thickness // 3)
    looks = [(thickness + outline, INK), (thickness, None)] if outline else [(thickness, None)]
    for width, ink in looks:
        for (a, b), color in zip(skeleton.links, skeleton.link_colors):
            if points[a] and points[b]:
                ends = points[a], points[b]
                cv2.line(canvas, *ends, ink or color, width, cv2.LINE_AA, SHIFT)


def _draw_joints(
    canvas: np.ndarray,
    points: list[Point | None],
    colors: Sequence[Color],
    radius: float,
    thickness: int,
) -> None:
    """Outlined dots at the known points."""
    inner, outer = (round(r * (1 << SHIFT)) for r in (radius, radius + max(0.8, thickness / 3)))
    for point, color in zip(points, colors):
        if point:
            cv2.circle(canvas, point, outer, INK, -1, cv2.LINE_AA, SHIFT)
            cv2.circle(canvas, point, inner, color, -1, cv2.LINE_AA, SHIFT)


def _fixed(keypoints: np.ndarray, drawn: np.ndarray) -> list[Point | None]:
    """Keypoints (K, 2) in OpenCV's fixed-point coordinates; None for those not to be drawn."""
    places = np.where(drawn[:, None], keypoints, 0).clip(-FARTHEST, FARTHEST) * (1 << SHIFT)
    found = np.rint(places).astype(int).tolist()
    return [tuple(place) if is_drawn else None for place, is_drawn in zip(found, drawn)]

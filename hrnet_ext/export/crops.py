"""From a person's box to the network's input crop, and back, as in the test pipeline.

Bit-equal to MMPose's ``GetBBoxCenterScale`` and ``TopdownAffine``; needs only numpy and OpenCV.

Legend: N boxes (N, 4) as x1, y1, x2, y2 in image space; a region is a box's center and scale, both
(N, 2) float32 in image space, scale being the crop's sides (w, h) there; input_size is (w, h).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

Size = tuple[int, int]


class Regions(NamedTuple):
    """The regions of an image that the crops show."""

    centers: np.ndarray
    scales: np.ndarray


def regions_of(boxes: np.ndarray, input_size: Size, padding: float) -> Regions:
    """Boxes, padded and enlarged on one side to the crop's aspect ratio.

    Args:
        boxes: (N, 4).
        input_size: (w, h).
        padding: Factor on a box's sides.
    """
    boxes = np.asarray(boxes, np.float32)
    aspect_ratio = input_size[0] / input_size[1]
    width, height = np.hsplit((boxes[:, 2:] - boxes[:, :2]) * padding, 2)
    scales = np.where(
        width > height * aspect_ratio,
        np.hstack([width, width / aspect_ratio]),
        np.hstack([height * aspect_ratio, height]),
    )
    return Regions((boxes[:, 2:] + boxes[:, :2]) * 0.5, scales)


def cut(image: np.ndarray, regions: Regions, input_size: Size) -> np.ndarray:
    """Crops (N, H, W, C) uint8 of an image (h, w, C) or (h, w); black outside of it."""
    width, height = input_size
    crops = np.empty((len(regions.centers), height, width, *image.shape[2:]), np.uint8)
    for crop, center, scale in zip(crops, *regions):
        matrix = warp_matrix(center, scale, input_size)
        cv2.warpAffine(image, matrix, (width, height), dst=crop, flags=cv2.INTER_LINEAR)
    return crops if image.ndim == 3 else crops[..., None]


def warp_matrix(center: np.ndarray, scale: np.ndarray, input_size: Size) -> np.ndarray:
    """The affine map (2, 3) from image space to input space, float64.

    Three points of the region define it: its center, the middle of its left side, and a third point
    at a right angle to them. They map to the same points of the crop.
    """
    source = _corner(center, scale[0])
    target = _corner(np.array(input_size) * 0.5, input_size[0])
    return cv2.getAffineTransform(source, target)


def to_image_space(keypoints: np.ndarray, regions: Regions, input_size: Size) -> np.ndarray:
    """Keypoints (N, K, 2) of crops, from input space to image space, float32."""
    centers, scales = (values[:, None] for values in regions)
    # In float64, as MMPose computes it, whose input_size is an array of integers.
    found = keypoints / np.array(input_size) * scales + centers - 0.5 * scales
    return found.astype(np.float32)


def _corner(center: np.ndarray, width: float) -> np.ndarray:
    """Three points (3, 2) float32: the center, left of it by half a width, and below that."""
    points = np.zeros((3, 2), np.float32)
    points[0] = center
    points[1] = center + np.array([width * -0.5, 0])
    across = points[0] - points[1]
    points[2] = points[1] + np.array([-across[1], across[0]])
    return points

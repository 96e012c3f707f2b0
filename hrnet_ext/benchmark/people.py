"""Made-up people for parts that need no pictures: keypoints, heatmaps, samples.

Legend: B instances; K keypoints; heatmaps (B, K, H, W); keypoints (B, K, 2) in input space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from mmpose.structures import PoseDataSample
from torch import Tensor

from hrnet_ext.datasets.body.coco_keypoints import coco_metainfo

MARGIN = 0.1
NOISE = 0.02  # of a heatmap's maximum


def random_keypoints(
    num: int, input_size: tuple[int, int], *, margin: float = MARGIN
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (num, K, 2) float32, and visibility (num, K) of 0 or 1.

    Args:
        num: Instances.
        input_size: (w, h).
        margin: Share of the input by which some lie outside of it; negative: away from its border.
    """
    rng = np.random.default_rng(num)
    shape = (num, len(flip_indices()))
    spread = rng.random((*shape, 2)) * (1 + 2 * margin) - margin
    visible = rng.random(shape) < 0.9
    return (spread * input_size).astype(np.float32), visible.astype(np.float32)


def flip_indices() -> list[int]:
    """Each keypoint's mirror image, COCO's."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    return [int(index) for index in parse_pose_metainfo(coco_metainfo())['flip_indices']]


def noisy_pair(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """What a network could make of images and of their mirror images.

    Args:
        heatmaps: Perfect ones.

    Returns:
        Heatmaps with noise; mirrored ones with other noise. Both (B, K, H, W).
    """
    rng = np.random.default_rng(len(heatmaps))

    def noisy(perfect: Tensor) -> Tensor:
        noise = rng.normal(scale=NOISE, size=tuple(perfect.shape)).astype(np.float32)
        return perfect + torch.from_numpy(noise).to(perfect.device)

    return noisy(heatmaps), noisy(heatmaps.flip(-1)[:, flip_indices()])


def empty_samples(num: int) -> list[PoseDataSample]:
    """Samples that know which keypoints mirror which."""
    return [PoseDataSample(metainfo={'flip_indices': flip_indices()}) for _ in range(num)]


def packed(
    steps: Iterable[Callable[[dict], dict]], num: int, input_size: tuple[int, int]
) -> list[dict[str, Any]]:
    """Samples of people on pictures of noise.

    Args:
        steps: The pipeline from the cropped picture on: what makes targets, and what packs.
        num: People.
        input_size: (w, h).
    """
    samples = []
    for results in cropped(num, input_size):
        for step in steps:
            results = step(results)
        samples.append(results)
    return samples


def cropped(num: int, input_size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """People as a pipeline has them after ``TopdownAffine``."""
    rng = np.random.default_rng(0)
    keypoints, visible = random_keypoints(num, input_size)
    for index in range(num):
        yield {
            'img': rng.integers(0, 255, (*reversed(input_size), 3), dtype=np.uint8),
            'input_size': input_size,
            'transformed_keypoints': keypoints[index : index + 1],
            'keypoints': keypoints[index : index + 1],
            'keypoints_visible': visible[index : index + 1],
            'dataset_keypoint_weights': np.ones_like(visible[:1]),
            'flip_indices': flip_indices(),
        }

"""Groups of images that look nearly the same, and a split that keeps each group on one side."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

SIDE = 16  # the hash compares 16 x 16 pairs of neighbors
MOST_DIFFERENT = 12  # of the 256 bits; re-encoded and slightly resized images differ by fewer


def image_hash(path: str | os.PathLike[str]) -> np.ndarray | None:
    """A difference hash (32,) uint8 of an image; None if it cannot be read."""
    image = cv2.imread(os.fspath(path), cv2.IMREAD_REDUCED_GRAYSCALE_2)
    if image is None:
        return None
    small = cv2.resize(image, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1])


def group_images(hashes: Mapping[str, np.ndarray]) -> list[list[str]]:
    """Groups of nearly equal images, each image in one group.

    Args:
        hashes: Hash of each image by name.

    Returns:
        Groups of names in the order of ``hashes``; most have one member.
    """
    names = list(hashes)
    codes = np.array([hashes[name] for name in names]).reshape(len(names), -1)
    parents = list(range(len(names)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    bits = getattr(np, 'bitwise_count', _count_bits)  # since NumPy 2.0
    for index in range(len(names)):
        distances = bits(codes[index + 1 :] ^ codes[index]).sum(axis=1)
        for other in np.flatnonzero(distances <= MOST_DIFFERENT):
            parents[root(index + 1 + int(other))] = root(index)
    groups = defaultdict(list)
    for index, name in enumerate(names):
        groups[root(index)].append(name)
    return list(groups.values())


def split_groups(
    groups: Sequence[Sequence[str]], fraction: float, *, seed: int = 0
) -> tuple[set[str], set[str]]:
    """Divide images into training and validation; no group is divided.

    Args:
        groups: From :func:`group_images`.
        fraction: Fraction of the images for validation.
        seed: Of the random order.

    Raises:
        ValueError: If one of the parts would be empty.
    """
    total = sum(map(len, groups))
    validation: set[str] = set()
    for index in np.random.default_rng(seed).permutation(len(groups)):
        if len(validation) >= round(fraction * total):
            break
        validation.update(groups[index])
    training = {name for group in groups for name in group} - validation
    if not training or not validation:
        raise ValueError(
            f'--val-fraction {fraction} divides {total} images into {len(training)} for training '
            f'and {len(validation)} for validation; use another fraction, or --val'
        )
    return training, validation


def _count_bits(values: np.ndarray) -> np.ndarray:
    return np.unpackbits(values, axis=-1)

"""What a rendered data set is made from: of images, or of videos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hrnet_ext.synthetic.scene import DIFFICULTIES, Size

SPLITS = ('train', 'val')
MAX_IMAGES = 999_999  # keeps the ids of the two splits apart
MAX_VIDEOS = 499_999  # likewise
MAX_FRAMES = 1_000  # of a video, which a worker plans in memory
SIDES = (64, 4096)  # of an image, pixels


@dataclass(frozen=True)
class SyntheticSpec:
    """What a data set of square images is made from; equal specs give equal files.

    Args:
        difficulty: 'easy' or 'hard'.
        num_train, num_val: Numbers of images.
        size: Width and height of an image in pixels.
        seed: Random seed. The first n images do not depend on how many there are.

    Raises:
        ValueError: A value out of range.
    """

    difficulty: str = 'easy'
    num_train: int = 2000
    num_val: int = 500
    size: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self, {'num_train': (1, MAX_IMAGES), 'num_val': (1, MAX_IMAGES), 'size': SIDES})

    @property
    def image_size(self) -> Size:
        """Width and height of an image in pixels."""
        return self.size, self.size

    def count(self, split: str) -> int:
        """Number of images of 'train' or 'val'."""
        return self.num_train if split == 'train' else self.num_val

    def __str__(self) -> str:
        return f'{self.num_train} + {self.num_val} {self.difficulty} images (train + val)'


@dataclass(frozen=True)
class VideoSpec:
    """What a data set of videos is made from; equal specs give equal files.

    Args:
        difficulty: 'easy' or 'hard', which is how hard people are to see; what they do is alike.
        num_train, num_val: Numbers of videos.
        num_frames: Frames of each video, ten a second.
        width, height: Of a frame in pixels.
        seed: Random seed. The first n videos do not depend on how many there are.

    Raises:
        ValueError: A value out of range.
    """

    difficulty: str = 'easy'
    num_train: int = 12
    num_val: int = 4
    num_frames: int = 30
    width: int = 320
    height: int = 240
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = {
            'num_train': (1, MAX_VIDEOS),
            'num_val': (1, MAX_VIDEOS),
            'num_frames': (1, MAX_FRAMES),
            'width': SIDES,
            'height': SIDES,
        }
        _check(self, ranges)

    @property
    def image_size(self) -> Size:
        """Width and height of a frame in pixels."""
        return self.width, self.height

    def count(self, split: str) -> int:
        """Number of videos of 'train' or 'val'."""
        return self.num_train if split == 'train' else self.num_val

    def __str__(self) -> str:
        return (
            f'{self.num_train} + {self.num_val} {self.difficulty} videos (train + val) of '
            f'{self.num_frames} frames'
        )


def _check(spec: Any, ranges: dict[str, tuple[int, int]]) -> None:
    if spec.difficulty not in DIFFICULTIES:
        raise ValueError(
            f'difficulty must be one of {", ".join(DIFFICULTIES)}, got {spec.difficulty!r}'
        )
    for name, (low, high) in {**ranges, 'seed': (0, 2**63 - 1)}.items():
        value = getattr(spec, name)
        if not low <= value <= high:
            raise ValueError(f'{name} must lie between {low} and {high}, got {value}')

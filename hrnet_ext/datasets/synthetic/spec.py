"""What a rendered data set is made from, and what stands of it in a folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hrnet_ext.datasets.synthetic.scene import DIFFICULTIES

RENDERER_VERSION = 1  # raise it when the same seed gives other pictures
MANIFEST = 'synthetic.json'
SPLITS = ('train', 'val')
FIRST_IMAGE_ID = {'train': 1, 'val': 1_000_001}
MAX_IMAGES = 999_999  # keeps the ids of the two splits apart


@dataclass(frozen=True)
class SyntheticSpec:
    """What a data set is made from; equal specs give equal files.

    Args:
        difficulty: 'easy' or 'hard'.
        num_train, num_val: Numbers of pictures.
        size: Width and height of a picture in pixels.
        seed: Source of chance. The first n pictures do not depend on how many there are.

    Raises:
        ValueError: A value out of range.
    """

    difficulty: str = 'easy'
    num_train: int = 2000
    num_val: int = 500
    size: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.difficulty not in DIFFICULTIES:
            raise ValueError(
                f'difficulty must be one of {", ".join(DIFFICULTIES)}, got {self.difficulty!r}'
            )
        for name, low, high in (
            ('num_train', 1, MAX_IMAGES),
            ('num_val', 1, MAX_IMAGES),
            ('size', 64, 4096),
            ('seed', 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f'{name} must lie between {low} and {high}, got {value}')

    def num_images(self, split: str) -> int:
        """Number of pictures of 'train' or 'val'."""
        return self.num_train if split == 'train' else self.num_val

    def manifest(self) -> dict[str, Any]:
        """What is written beside the pictures, to know them again."""
        return {'renderer_version': RENDERER_VERSION, **asdict(self)}


def read_manifest(out: Path) -> dict[str, Any] | None:
    """The manifest of the data set in ``out``; None if there is nothing yet.

    Raises:
        FileExistsError: ``out`` is a file, or holds something else than a rendered data set.
    """
    if not out.exists():
        return None
    if not out.is_dir():
        raise FileExistsError(f'{out} is a file; choose a folder for the data set')
    if not any(out.iterdir()):
        return None
    try:
        manifest = json.loads((out / MANIFEST).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        manifest = None
    if not isinstance(manifest, dict):
        raise FileExistsError(
            f'{out} holds files that are not a rendered data set; choose another folder'
        )
    return manifest


def check_same(out: Path, manifest: dict[str, Any], spec: SyntheticSpec) -> None:
    """Raises FileExistsError unless ``out``, whose manifest is given, is what ``spec`` makes."""
    changes = [
        f'{key} {manifest.get(key)} -> {value}'
        for key, value in spec.manifest().items()
        if manifest.get(key) != value
    ]
    if changes:
        raise FileExistsError(
            f'{out} holds a data set made from other arguments ({", ".join(changes)}); '
            'choose another folder, or replace it with --overwrite'
        )
    for split in SPLITS:
        pictures, annotations = picture_folder(out, split), annotation_path(out, split)
        found = sum(1 for _ in pictures.glob('*.jpg'))
        if found != spec.num_images(split) or not annotations.is_file():
            raise FileExistsError(
                f'{out} is damaged: {found} of {spec.num_images(split)} {split} pictures, '
                f'{annotations.name} {"there" if annotations.is_file() else "missing"}; '
                'make it anew with --overwrite'
            )


def picture_folder(out: Path, split: str) -> Path:
    """Where the pictures of a split are."""
    return out / f'{split}2017'


def annotation_path(out: Path, split: str) -> Path:
    """Where the annotations of a split are."""
    return out / 'annotations' / f'person_keypoints_{split}2017.json'

"""What an exported file says of itself, as JSON inside of it; needs nothing but Python."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from hrnet_ext.reading import parse_json

KEY = 'hrnet_ext'  # under which every format keeps the JSON
LAYOUT = 1  # of the JSON; raised when an older runtime could not read it
PRECISIONS = ('fp32', 'half', 'int8')

Color = tuple[int, int, int]


@dataclass(frozen=True)
class KeypointSet:
    """The keypoints that a model finds, in the order of its outputs.

    Args:
        data_set: What they were labelled in, ``'coco'``.
        names: K names.
        flip_pairs: Names of left and right.
        skeleton: Pairs of names that a drawing joins.
        sigmas: OKS's K constants.
        upper_body: Names of those above the waist.
        colors: K colours, RGB.
        link_colors: The skeleton's.
    """

    data_set: str
    names: tuple[str, ...]
    flip_pairs: tuple[tuple[str, str], ...]
    skeleton: tuple[tuple[str, str], ...]
    sigmas: tuple[float, ...]
    upper_body: tuple[str, ...] = ()
    colors: tuple[Color, ...] = ()
    link_colors: tuple[Color, ...] = ()

    @property
    def flip_indices(self) -> list[int]:
        """For each keypoint the index of its mirror image, its own where it has none."""
        mirror = {a: b for pair in self.flip_pairs for a, b in (pair, pair[::-1])}
        return [self.names.index(mirror.get(name, name)) for name in self.names]


@dataclass(frozen=True)
class Metadata:
    """All that is to be known to use an exported file.

    Args:
        config: Name of the config.
        package: Name and version of the package that wrote the file.
        input_size: (w, h) of a crop.
        padding: Side of a crop over the side of the box it is made of.
        normalizes: Whether the graph takes crops (B, H, W, 3) uint8 BGR and normalises them; else
            it takes images (B, 3, H, W) float32, normalised.
        mean: Of each channel, in the network's order. As many as an image has channels.
        std: Likewise.
        bgr_to_rgb: Whether the network's order is RGB.
        flip_test: Whether the graph averages with the mirrored crop.
        decoding: ``'quarter'`` offset, or ``'dark'`` refinement.
        precision: ``'fp32'``, ``'half'`` or ``'int8'``.
        keypoints: What they are.
    """

    config: str
    package: str
    input_size: tuple[int, int]
    padding: float
    normalizes: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr_to_rgb: bool
    flip_test: bool
    decoding: str
    precision: str
    keypoints: KeypointSet

    @property
    def num_channels(self) -> int:
        """Of an image: 3, for BGR; 1 for grey ones."""
        return len(self.mean)

    def to_json(self) -> str:
        """As text to put into a file."""
        return json.dumps({'layout': LAYOUT, **asdict(self)}, separators=(',', ':'))

    @classmethod
    def from_json(cls, text: str, source: str) -> Metadata:
        """What a file says of itself.

        Args:
            text: Of its entry ``KEY``; empty where it has none.
            source: The file, for messages.

        Raises:
            ValueError: If it is none of ours, or a newer one than this version reads.
        """
        if not text:
            raise ValueError(
                f'{source} was not written by hrnet_ext: it does not say what its inputs and '
                'outputs are; export the model with tools/export.py'
            )
        content = parse_json(text.encode(), f'the description inside of {source}')
        if content.get('layout') != LAYOUT:
            raise ValueError(
                f'{source} was written by {content.get("package")} in layout '
                f'{content.get("layout")}, this version reads layout {LAYOUT}: install the version '
                'that wrote it, or export the model again'
            )
        content['keypoints'] = KeypointSet(**_tuples(content['keypoints']))
        known = {field.name for field in fields(cls)}
        return cls(**_tuples({key: value for key, value in content.items() if key in known}))


def precision_in(description: str) -> str:
    """The precision that a file was written in, by what it says of itself; empty of others' files.

    Raises:
        ValueError: If a newer version wrote it.
    """
    return Metadata.from_json(description, 'this model').precision if description else ''


def _tuples(content: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples they were."""
    return {key: _tuple(value) for key, value in content.items()}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(each) for each in value) if isinstance(value, list) else value

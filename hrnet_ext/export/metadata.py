"""The metadata of an exported file, stored in it as JSON; needs only Python."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from hrnet_ext.reading import parse_json

KEY = 'hrnet_ext'  # of the JSON in every format
LAYOUT = 1  # version of the JSON; increased when older versions could not read it
PRECISIONS = ('fp32', 'half', 'int8')

Color = tuple[int, int, int]


@dataclass(frozen=True)
class KeypointSet:
    """The keypoints that a model finds, in the order of its outputs.

    Args:
        data_set: Name of the data set, such as ``'coco'``.
        names: K names.
        flip_pairs: Names of left and right.
        skeleton: Pairs of names that drawings connect.
        sigmas: OKS's K constants.
        upper_body: Names of keypoints above the waist.
        colors: K colors, RGB.
        link_colors: Colors of the skeleton.
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
        """For each keypoint the index of its mirror image, its own if it has none."""
        mirror = {a: b for pair in self.flip_pairs for a, b in (pair, pair[::-1])}
        return [self.names.index(mirror.get(name, name)) for name in self.names]


@dataclass(frozen=True)
class Metadata:
    """All facts needed to use an exported file.

    Args:
        config: Name of the config.
        package: Name and version of the package that wrote the file.
        input_size: (w, h) of a crop.
        padding: Side of a crop over the side of its box.
        normalizes: Whether the graph takes crops (B, H, W, 3) uint8 BGR and normalizes them; else
            it takes images (B, 3, H, W) float32, normalized.
        mean: Mean of each channel, in the network's order.
        std: Standard deviation of each channel.
        bgr_to_rgb: Whether the network's order is RGB.
        flip_test: Whether the graph averages with the mirrored crop.
        decoding: ``'quarter'`` offset, or ``'dark'`` refinement.
        precision: ``'fp32'``, ``'half'`` or ``'int8'``.
        keypoints: The model's keypoints.
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
        """Channels of an image: 3 for BGR, 1 for grayscale."""
        return len(self.mean)

    def to_json(self) -> str:
        """The metadata as JSON text."""
        return json.dumps({'layout': LAYOUT, **asdict(self)}, separators=(',', ':'))

    @classmethod
    def from_json(cls, text: str, source: str) -> Metadata:
        """Parse a file's metadata.

        Args:
            text: Its entry ``KEY``; empty if it has none.
            source: The file, for messages.

        Raises:
            ValueError: If hrnet_ext did not write it, or a newer version did.
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
    """The precision in a file's metadata; empty if hrnet_ext did not write the file.

    Raises:
        ValueError: If a newer version wrote it.
    """
    return Metadata.from_json(description, 'this model').precision if description else ''


def _tuples(content: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples they were."""
    return {key: _tuple(value) for key, value in content.items()}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(each) for each in value) if isinstance(value, list) else value

"""The ground truth of a split, read and checked once, and its pairing with predictions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

from hrnet_ext.formats.posetrack import fields
from hrnet_ext.formats.posetrack.frames import Frame
from hrnet_ext.formats.posetrack.reading import pair_frames, read_ground_truth, read_sequences


@dataclass(frozen=True)
class GroundTruth:
    """The annotations of a split.

    Attributes:
        images: The frames' ids and file names, by sequence, as files of predictions list them.
        frames: The evaluated frames, by sequence; empty if nothing is evaluated.
        image_ids: Ids of all frames.
        tracked: Whether the annotated persons have track ids.
    """

    images: Mapping[str, list[dict]]
    frames: Mapping[str, list[Frame]]
    image_ids: frozenset[int]
    tracked: bool

    def of_images(self, image_ids: Iterable[int]) -> 'GroundTruth':
        """The ground truth of these images; sequences without any of them are dropped."""
        asked = frozenset(image_ids)
        kept = {
            name: [image['id'] in asked for image in images] for name, images in self.images.items()
        }
        kept = {name: mask for name, mask in kept.items() if any(mask)}
        return GroundTruth(
            images={name: list(compress(self.images[name], mask)) for name, mask in kept.items()},
            frames={
                name: list(compress(self.frames[name], mask))
                for name, mask in kept.items()
                if name in self.frames
            },
            image_ids=self.image_ids & asked,
            tracked=self.tracked,
        )

    def pairs(self, predictions: Mapping[str, Mapping]) -> dict[str, list[tuple[Frame, Frame]]]:
        """The frames, each paired with its predictions.

        Args:
            predictions: PoseTrack18's JSON of every sequence.
        """
        return {
            name: pair_frames(frames, predictions[name], name)
            for name, frames in self.frames.items()
        }


def read_truth(path: str | Path, what: str, *, evaluated: bool = True) -> GroundTruth:
    """A split's ground truth.

    Args:
        path: As for :func:`~hrnet_ext.formats.posetrack.reading.read_sequences`, in
            PoseTrack18's layout.
        what: Name of the file and its config key, for messages.
        evaluated: Whether predictions will be evaluated; if not, annotations are not needed.

    Raises:
        FileNotFoundError: If there is nothing at ``path``.
        ValueError: If something is invalid; the message names file, sequence, frame and key.
    """
    sequences = read_sequences(path, what)
    source = f'{what} `{path}`'
    try:
        images = {name: _images(data, f"sequence '{name}'") for name, data in sequences.items()}
        frames = _frames(sequences) if evaluated else {}
    except ValueError as error:
        raise ValueError(f'{source}: {error}') from None
    ids = [image['id'] for each in images.values() for image in each]
    if len(set(ids)) < len(ids):
        twice = next(image_id for image_id in ids if ids.count(image_id) > 1)
        raise ValueError(f'{source}: two images have the id {twice}; give each its own')
    return GroundTruth(images, frames, frozenset(ids), tracked=_have_track_ids(frames, source))


def _have_track_ids(frames: Mapping[str, list[Frame]], source: str) -> bool:
    people = [frame.people for each in frames.values() for frame in each if len(frame.people)]
    with_ids = sum(each.track_ids is not None for each in people)
    if 0 < with_ids < len(people):
        raise ValueError(
            f'{source}: {with_ids} of {len(people)} annotated frames have track ids, the others '
            'none; give track_id to all persons, or to none to evaluate only AP'
        )
    return with_ids > 0


def _images(data: Any, where: str) -> list[dict]:
    if isinstance(data, Mapping) and 'annolist' in data:
        raise ValueError(
            f'{where} is in the layout of PoseTrack17 (annolist), which has no image ids; convert '
            'it: python tools/convert_posetrack.py merge'
        )
    images = fields.require(data, 'images', where)
    return [
        {
            key: fields.require(image, key, f'{where}: images[{index}]')
            for key in ('id', 'file_name')
        }
        for index, image in enumerate(images)
    ]


def _frames(sequences: Mapping[str, Mapping]) -> dict[str, list[Frame]]:
    frames = {name: read_ground_truth(data, name) for name, data in sequences.items()}
    if not any(frame.annotated for each in frames.values() for frame in each):
        raise ValueError(
            f'no person is annotated in its {len(frames)} sequences; a test split can only be '
            'predicted (format_only=True)'
        )
    return frames

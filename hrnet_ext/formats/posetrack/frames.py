"""A frame of a PoseTrack sequence as arrays, independent of the file format."""

from dataclasses import dataclass, replace

import numpy as np

from hrnet_ext.formats.posetrack.keypoints import KEYPOINTS

NO_SCORE = -9999.0  # poseval's score of a keypoint without one: below all others


@dataclass(frozen=True)
class People:
    """The P persons of one frame, in the order of their file.

    Attributes:
        keypoints: (P, 15, 2) pixels.
        present: (P, 15), whether a keypoint is in the file.
        scores: (P, 15) of the keypoints; ``NO_SCORE`` if the file has none.
        track_ids: (P,) int64, or None if the frame has persons, but none of them has an id.
        head_boxes: (P, 4) as (x1, y1, x2, y2), NaN for a person without one.
    """

    keypoints: np.ndarray
    present: np.ndarray
    scores: np.ndarray
    track_ids: np.ndarray | None
    head_boxes: np.ndarray

    def __len__(self) -> int:
        return len(self.keypoints)

    def select(self, kept: np.ndarray) -> 'People':
        """The persons whose entry of ``kept`` (P,) is True."""
        fields = {name: value for name, value in vars(self).items() if value is not None}
        return replace(self, **{name: value[kept] for name, value in fields.items()})


@dataclass(frozen=True)
class Frame:
    """One frame of a sequence.

    Attributes:
        name: File name of the image, as in the file.
        people: Its persons.
        annotated: Whether the file lists a person for the frame, even one without keypoints.
        labeled: Whether the frame is annotated or marked as labeled.
        ignore_regions: Polygons (V, 2) in pixels.
    """

    name: str
    people: People
    annotated: bool
    labeled: bool
    ignore_regions: tuple[np.ndarray, ...]

    @property
    def folder(self) -> str:
        """The folder of the image, one per video."""
        return self.name.replace('\\', '/').rpartition('/')[0]

    @property
    def key(self) -> int | str:
        """The number in the file name, the same in both formats; without a number, the name."""
        stem = self.name.replace('\\', '/').rpartition('/')[2].split('.')[0]
        return int(stem) if stem.isdecimal() else stem


@dataclass(frozen=True)
class Person:
    """One person of a file; the fields are those of :class:`People`, for one person."""

    keypoints: np.ndarray
    present: np.ndarray
    scores: np.ndarray
    track_id: int | None
    head_box: np.ndarray


def gather(persons: list[Person], where: str) -> People:
    """Combine the persons of a frame.

    Args:
        persons: Persons in the order of the file.
        where: Sequence and frame, for messages.

    Raises:
        ValueError: If some have a track id and others do not.
    """
    num, joints = len(persons), len(KEYPOINTS)
    track_ids = [person.track_id for person in persons]
    if None in track_ids and set(track_ids) != {None}:
        raise ValueError(
            f'{where}: person {track_ids.index(None)} has no track_id, but others of the frame do; '
            'give one to all persons, or to none to evaluate only AP'
        )
    return People(
        keypoints=np.array([person.keypoints for person in persons]).reshape(num, joints, 2),
        present=np.array([person.present for person in persons], bool).reshape(num, joints),
        scores=np.array([person.scores for person in persons]).reshape(num, joints),
        track_ids=None if None in track_ids else np.array(track_ids, np.int64),
        head_boxes=np.array([person.head_box for person in persons]).reshape(num, 4),
    )

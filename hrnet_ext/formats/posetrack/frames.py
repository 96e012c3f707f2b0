"""A frame of a PoseTrack sequence as arrays, whatever file it came from."""

from dataclasses import dataclass, replace

import numpy as np

from hrnet_ext.formats.posetrack.keypoints import KEYPOINTS

NO_SCORE = -9999.0  # poseval's score of a keypoint without one: below all others


@dataclass(frozen=True)
class People:
    """The people of one frame (P of them), in the order of their file.

    Attributes:
        keypoints: (P, 15, 2) pixels.
        present: (P, 15), where a keypoint was given.
        scores: (P, 15) of the keypoints; ``NO_SCORE`` where the file has none.
        track_ids: (P,) int64, or None if the frame has people and none of them has one.
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
        """Those people whose entry of ``kept`` (P,) is True."""
        fields = {name: value for name, value in vars(self).items() if value is not None}
        return replace(self, **{name: value[kept] for name, value in fields.items()})


@dataclass(frozen=True)
class Frame:
    """One frame of a sequence.

    Attributes:
        name: The image's file name as the file has it.
        people: The people in it.
        annotated: Whether the file lists a person for the frame, even one without keypoints.
        labelled: Whether the frame is annotated or said to be labelled.
        ignore_regions: Polygons (V, 2) in pixels.
    """

    name: str
    people: People
    annotated: bool
    labelled: bool
    ignore_regions: tuple[np.ndarray, ...]

    @property
    def folder(self) -> str:
        """The folder of the image, that is the video."""
        return self.name.replace('\\', '/').rpartition('/')[0]

    @property
    def key(self) -> int | str:
        """The number the file's name consists of, on which both formats agree; else the name."""
        stem = self.name.replace('\\', '/').rpartition('/')[2].split('.')[0]
        return int(stem) if stem.isdecimal() else stem


@dataclass(frozen=True)
class Person:
    """One person as a file gives it; the entries of :class:`People` for one."""

    keypoints: np.ndarray
    present: np.ndarray
    scores: np.ndarray
    track_id: int | None
    head_box: np.ndarray


def gather(persons: list[Person], where: str) -> People:
    """The people of a frame.

    Args:
        persons: In the order of the file.
        where: Sequence and frame, for messages.

    Raises:
        ValueError: If some have a track id and others do not.
    """
    num, joints = len(persons), len(KEYPOINTS)
    track_ids = [person.track_id for person in persons]
    if None in track_ids and set(track_ids) != {None}:
        raise ValueError(
            f'{where}: person {track_ids.index(None)} has no track_id, but others of the frame do; '
            'give one to everybody, or to nobody to evaluate AP alone'
        )
    return People(
        keypoints=np.array([person.keypoints for person in persons]).reshape(num, joints, 2),
        present=np.array([person.present for person in persons], bool).reshape(num, joints),
        scores=np.array([person.scores for person in persons]).reshape(num, joints),
        track_ids=None if None in track_ids else np.array(track_ids, np.int64),
        head_boxes=np.array([person.head_box for person in persons]).reshape(num, 4),
    )

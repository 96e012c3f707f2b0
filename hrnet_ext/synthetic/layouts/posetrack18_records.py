"""PoseTrack18's annotations (v0.45) of a rendered video, one file per video.

Legend:
    boxes are [x, y, w, h] in pixels; keypoints are flat lists of x, y, visibility.
    visibility  1 annotated, 0 not annotated (at 0, 0). Keypoints hidden by other people or the
        frame are not annotated; those hidden only by the person's own body are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from hrnet_ext.formats.posetrack18 import BOX_MARGIN, KEYPOINTS
from hrnet_ext.synthetic.render import HIDDEN, SEEN, Person
from hrnet_ext.synthetic.scene import PlacedFigure, Size
from hrnet_ext.synthetic.skeleton import POINTS, mirrored_name
from hrnet_ext.synthetic.video.people import VideoPerson
from hrnet_ext.synthetic.video.video import VideoFrame

FIRST_NUMBER = {'train': 1, 'val': 500_001}
SUFFIX = {'train': 'mpii_train', 'val': 'mpii_test'}

# Their names of points that have other names in the skeleton.
SKELETON_NAMES = {'head_bottom': 'upper_neck'}
NEVER_ANNOTATED = ('left_ear', 'right_ear')
LINKS: tuple[tuple[str, str], ...] = (
    ('nose', 'head_bottom'), ('nose', 'head_top'),
    ('head_bottom', 'left_shoulder'), ('head_bottom', 'right_shoulder'),
    ('left_shoulder', 'left_elbow'), ('right_shoulder', 'right_elbow'),
    ('left_elbow', 'left_wrist'), ('right_elbow', 'right_wrist'),
    ('left_shoulder', 'left_hip'), ('right_shoulder', 'right_hip'), ('left_hip', 'right_hip'),
    ('left_hip', 'left_knee'), ('right_hip', 'right_knee'),
    ('left_knee', 'left_ankle'), ('right_knee', 'right_ankle'),
)  # fmt: skip
assert {SKELETON_NAMES.get(name, name) for name in KEYPOINTS} <= set(POINTS)
assert {mirrored_name(name) for name in KEYPOINTS} == set(KEYPOINTS)

CATEGORY: dict[str, Any] = {
    'supercategory': 'person',
    'id': 1,
    'name': 'person',
    'keypoints': list(KEYPOINTS),
    'skeleton': [[KEYPOINTS.index(a) + 1, KEYPOINTS.index(b) + 1] for a, b in LINKS],
}
MIN_KEYPOINTS = 4  # people with fewer visible keypoints are not annotated
MIN_EXTENT = 2.0  # pixels of the keypoints' box
REGION_MARGIN = 0.06  # of the frame's height, around people in an ignore region
MAX_PEOPLE = 100  # in a frame; annotation ids are made of its id and the person's number in it
LABELLED_BESIDE = 4  # in val, every so many frames beside the middle


@dataclass(frozen=True)
class Clip:
    """A video's names and ids.

    Args:
        split: 'train' or 'val'.
        index: Its number in the split, from 0.
        num_frames: How long it is.
    """

    split: str
    index: int
    num_frames: int

    @property
    def number(self) -> int:
        """The number by which annotations know it."""
        return FIRST_NUMBER[self.split] + self.index

    @property
    def name(self) -> str:
        """Of its folder and of its annotation file."""
        return f'{self.number:06d}_{SUFFIX[self.split]}'

    @property
    def annotation_path(self) -> str:
        """Its annotation file, relative to the data set's folder."""
        return f'annotations/{self.split}/{self.name}.json'

    def frame_path(self, frame: int) -> str:
        """A frame's image, relative to the data set's folder."""
        return f'images/{self.split}/{self.name}/{frame:06d}.jpg'

    def image_id(self, frame: int) -> int:
        """PoseTrack18's id: a 1, six digits of the video, four of the frame."""
        return 10**10 + self.number * 10**4 + frame

    def is_labeled(self, frame: int) -> bool:
        """Whether a frame has annotations: two thirds in the middle, and in val some others.

        As in PoseTrack, where 30 frames in the middle are labeled and every fourth of val's rest.
        """
        beside = self.num_frames // 6
        if beside <= frame < self.num_frames - beside:
            return True
        return self.split == 'val' and frame % LABELLED_BESIDE == 0


def frame_record(
    clip: Clip, frame: int, subjects: Sequence[VideoPerson], content: VideoFrame
) -> dict[str, Any]:
    """The entry of a frame, with an ignore region around unannotated people."""
    people = zip(content.numbers, content.rendering.people)
    unknown = [person for number, person in people if not subjects[number].annotated]
    height, width = content.rendering.image.shape[:2]
    region = ignore_region(unknown, (width, height))
    regions = [] if region is None else [region]
    return {
        'has_no_densepose': True,
        'is_labeled': clip.is_labeled(frame),
        'file_name': clip.frame_path(frame),
        'nframes': clip.num_frames,
        'frame_id': clip.image_id(frame),
        'vid_id': f'{clip.number:06d}',
        'ignore_regions_x': [corners[:, 0].tolist() for corners in regions],
        'ignore_regions_y': [corners[:, 1].tolist() for corners in regions],
        'id': clip.image_id(frame),
    }


def people_records(
    clip: Clip, frame: int, subjects: Sequence[VideoPerson], content: VideoFrame
) -> list[dict[str, Any]]:
    """The annotations of a frame, none if it is unlabeled; track ids are numbers in the video."""
    if not clip.is_labeled(frame):
        return []
    records = [
        person_record(placed, person, track_id=number, image_id=clip.image_id(frame))
        for number, placed, person in zip(
            content.numbers, content.scene.placed_figures, content.rendering.people
        )
        if subjects[number].annotated
    ]
    found = [record for record in records if record is not None]
    first = clip.image_id(frame) * MAX_PEOPLE
    return [{**record, 'id': identity} for identity, record in enumerate(found, start=first)]


def person_record(
    placed: PlacedFigure, person: Person, *, track_id: int, image_id: int
) -> dict[str, Any] | None:
    """The annotation of a person, without its id; None if the person is hardly visible.

    Args:
        placed, person: The person, and its visible part in the frame.
        track_id: The person's number in the video.
        image_id: Of the frame.
    """
    keypoints = _keypoints(person)
    seen = np.array([(x, y) for x, y, visibility in keypoints if visibility])
    if len(seen) < MIN_KEYPOINTS or np.ptp(seen, axis=0).min() < MIN_EXTENT:
        return None
    extent = np.ptp(seen, axis=0)
    corner = seen.min(axis=0) - BOX_MARGIN * extent
    x0, y0, x1, y1 = placed.figure.head_box(placed.placement)
    left, top = int(np.floor(x0)), int(np.floor(y0))
    return {
        'bbox_head': [left, top, int(np.ceil(x1)) - left, int(np.ceil(y1)) - top],
        'keypoints': [value for keypoint in keypoints for value in keypoint],
        'track_id': track_id,
        'image_id': image_id,
        'bbox': np.round([*corner, *(1 + 2 * BOX_MARGIN) * extent], 2).tolist(),
        'scores': [],
        'category_id': CATEGORY['id'],
    }


def ignore_region(people: Sequence[Person], size: Size) -> np.ndarray | None:
    """A polygon (V, 2) around people, cut off by a frame of ``size`` (w, h); None if outside."""
    points = np.array([point for person in people for point in person.keypoints.values()])
    if not len(points):
        return None
    width, height = size
    margin = REGION_MARGIN * height
    around = margin * np.array([(np.cos(a), np.sin(a)) for a in np.arange(8) * np.pi / 4])
    spread = (points[:, None] + around).reshape(-1, 2).astype(np.float32)
    frame = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float32)
    area, polygon = cv2.intersectConvexConvex(cv2.convexHull(spread), frame[:, None])
    if area < 1:
        return None
    return np.rint(polygon[:, 0]).astype(int)


def _keypoints(person: Person) -> list[tuple[float, float, int]]:
    return [
        (0, 0, 0) if name in NEVER_ANNOTATED else _keypoint(person, SKELETON_NAMES.get(name, name))
        for name in KEYPOINTS
    ]


def _keypoint(person: Person, name: str) -> tuple[float, float, int]:
    x, y = person.keypoints[name]
    visibility = person.visibility[name]
    by_itself = visibility == HIDDEN and person.mask[round(y), round(x)]
    if visibility == SEEN or by_itself:
        return round(x, 2), round(y, 2), 1
    return 0, 0, 0

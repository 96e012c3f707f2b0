"""Convert a video from PoseTrack17's layout to PoseTrack18's.

P: persons of a frame; coordinates are pixels.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from hrnet_ext.evaluation.posetrack import KEYPOINTS as EVALUATED
from hrnet_ext.evaluation.posetrack import Frame, read_sequence
from hrnet_ext.formats.posetrack.frames import NO_SCORE
from hrnet_ext.formats.posetrack.sequences import video_of
from hrnet_ext.formats.posetrack18 import BOX_MARGIN, KEYPOINTS, SOURCES

PEOPLE_PER_FRAME = 100  # limit of PoseTrack18's ids


def to_posetrack18(data: Mapping, where: str) -> dict[str, list[dict]]:
    """A video's file in PoseTrack18's layout.

    Ids are made from names, as in PoseTrack18: frame 7 of ``000342_mpii`` is
    1 000342 0007 (the first digit 1 for mpii, 2 for bonn, 3 for mpiinew), the third person in it
    1 000342 0007 02. Every listed keypoint is labeled (visibility 1), hidden or not, because it
    is evaluated; persons without keypoints are dropped. ``bbox`` is the keypoints' extent plus 15 %
    on each side, as in PoseTrack18.

    Args:
        data: PoseTrack17's JSON as a dict: ground truth or predictions.
        where: Name of the file, for messages.

    Raises:
        ValueError: If the file is invalid or a name has no numbers for ids.
    """
    frames = read_sequence(data, where)
    images, annotations = [], []
    for frame in frames:
        image_id = _image_id(frame, where)
        images.append(_image(frame, image_id, len(frames)))
        annotations += _people(frame, image_id, f"{where}: frame '{frame.name}'")
    category = {
        'supercategory': 'person',
        'id': 1,
        'name': 'person',
        'keypoints': list(KEYPOINTS),
    }
    return {'images': images, 'annotations': annotations, 'categories': [category]}


def _image_id(frame: Frame, where: str) -> int:
    video = video_of(frame.name)[1]
    name = re.match(r'(\d+)_([a-z]+)', video)
    if not name or name[2] not in SOURCES or not isinstance(frame.key, int):
        raise ValueError(
            f"{where}: ids are made of names such as '000342_mpii/00000007.jpg', but "
            f"'{frame.name}' is not like that (a number, then {', '.join(SOURCES)}); rename it"
        )
    return (SOURCES[name[2]] * 10**6 + int(name[1])) * 10**4 + frame.key


def _image(frame: Frame, image_id: int, num_frames: int) -> dict[str, Any]:
    return {
        'id': image_id,
        'frame_id': image_id,
        'vid_id': video_of(frame.name)[1].split('_')[0],
        'nframes': num_frames,
        'is_labeled': frame.labelled,
        'file_name': frame.name,
        'ignore_regions_x': [region[:, 0].tolist() for region in frame.ignore_regions],
        'ignore_regions_y': [region[:, 1].tolist() for region in frame.ignore_regions],
    }


def _people(frame: Frame, image_id: int, where: str) -> list[dict[str, Any]]:
    people = frame.people.select(frame.people.present.any(axis=1))
    if len(people) > PEOPLE_PER_FRAME:
        raise ValueError(
            f'{where} has {len(people)} people, but there are ids for {PEOPLE_PER_FRAME} only'
        )
    columns = [KEYPOINTS.index(name) for name in EVALUATED]
    keypoints = np.zeros((len(people), len(KEYPOINTS), 3))
    keypoints[:, columns] = np.dstack([people.keypoints, people.present])
    scores = np.zeros((len(people), len(KEYPOINTS)))
    scores[:, columns] = np.where(people.scores == NO_SCORE, 0, people.scores)
    has_scores = (people.scores != NO_SCORE).any(axis=1)
    records = []
    for index in range(len(people)):
        record = {
            'id': image_id * PEOPLE_PER_FRAME + index,
            'image_id': image_id,
            'category_id': 1,
            'keypoints': keypoints[index].ravel().tolist(),
            'scores': scores[index].tolist() if has_scores[index] else [],
            'bbox': _box(people.keypoints[index][people.present[index]]),
        }
        if people.track_ids is not None:
            record['track_id'] = int(people.track_ids[index])
        if np.isfinite(people.head_boxes[index]).all():
            x1, y1, x2, y2 = people.head_boxes[index].tolist()
            record['bbox_head'] = [x1, y1, x2 - x1, y2 - y1]
        records.append(record)
    return records


def _box(keypoints: np.ndarray) -> list[float]:
    """(x, y, w, h) around keypoints (N, 2)."""
    low, high = keypoints.min(axis=0), keypoints.max(axis=0)
    margin = BOX_MARGIN * (high - low)
    return [*(low - margin).tolist(), *(high - low + 2 * margin).tolist()]

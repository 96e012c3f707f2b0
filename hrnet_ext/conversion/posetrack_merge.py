"""Merge PoseTrack's files, one per video, into one file in COCO's layout for the data sets."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hrnet_ext.evaluation.posetrack import KEYPOINTS as EVALUATED
from hrnet_ext.evaluation.posetrack import Frame, read_sequence
from hrnet_ext.formats.posetrack.fields import require
from hrnet_ext.formats.posetrack.frames import NO_SCORE
from hrnet_ext.formats.posetrack.reading import read_ground_truth, read_sequences, video_of
from hrnet_ext.formats.posetrack18 import BOX_MARGIN, KEYPOINTS, SOURCES
from hrnet_ext.writing import write_json

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
        'is_labeled': frame.labeled,
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


SEQUENCE_FIELDS = ('images', 'annotations', 'categories')


def merge_sequences(
    sequences: Mapping[str, Mapping], sizes: Mapping[str, tuple[int, int]]
) -> dict[str, list[dict]]:
    """Annotations of many videos in one dict.

    Videos are sorted by name. Records keep all fields and ids, and get fields that COCO's readers
    need and PoseTrack18's files lack: images ``width`` and ``height``, annotations
    ``area``, the box's, and ``iscrowd``.

    Args:
        sequences: PoseTrack18's JSON of each video, by the video's name.
        sizes: (w, h) of each video's frames in pixels, by video name.

    Raises:
        ValueError: If a video lacks a part or its size, an id occurs twice, in one video or in
            two, or the videos differ in their categories.
    """
    merged: dict[str, list[dict]] = {'images': [], 'annotations': [], 'categories': []}
    owners: dict[str, dict[Any, str]] = {'images': {}, 'annotations': {}}
    for name in sorted(sequences):
        data = sequences[name]
        _check_parts(data, name)
        if name not in sizes:
            raise ValueError(f"sequence '{name}' has no size; give (w, h) of its frames")
        for part, owner in owners.items():
            _claim_ids(data[part], owner, name, part)
        merged['categories'] = _common(merged['categories'], data['categories'], name)
        width, height = (int(value) for value in sizes[name])
        merged['images'] += [{**each, 'width': width, 'height': height} for each in data['images']]
        merged['annotations'] += [_with_area(each) for each in data['annotations']]
    return merged


def _with_area(annotation: Mapping) -> dict:
    """The annotation with the fields that COCO's detection data sets need."""
    box = annotation.get('bbox')
    added = {'area': box[2] * box[3], 'iscrowd': 0} if box else {}
    return {**added, **annotation}


def _check_parts(data: Any, name: str) -> None:
    """Check that a video's file has its three lists."""
    if not isinstance(data, Mapping):
        raise ValueError(
            f"sequence '{name}' is a {type(data).__name__}; give the dict of its JSON file"
        )
    absent = [part for part in SEQUENCE_FIELDS if not isinstance(data.get(part), list)]
    if absent:
        raise ValueError(
            f"sequence '{name}' has no list of {', '.join(absent)}, but {sorted(map(str, data))}; "
            "give a video's JSON file of PoseTrack18"
        )


def _claim_ids(records: list[Mapping], owners: dict[Any, str], name: str, part: str) -> None:
    """Add a video's ids to those of the previous videos, and check that they are unique."""
    for index, record in enumerate(records):
        if not isinstance(record, Mapping) or 'id' not in record:
            raise ValueError(f"sequence '{name}': {part}[{index}] has no id; give each record one")
        owner = owners.setdefault(record['id'], f'{name}[{index}]')
        if owner != f'{name}[{index}]':
            other = owner.rpartition('[')[0]
            where = 'twice in it' if other == name else f"in '{other}' too"
            raise ValueError(
                f"sequence '{name}': the id {record['id']} of {part}[{index}] is {where}; "
                'remove the copy, or give each its own id'
            )


def _common(categories: list[dict], others: list[dict], name: str) -> list[dict]:
    """The first video's categories; those of other videos must be equal, except the skeleton."""
    if categories and _identity(categories) != _identity(others):
        raise ValueError(
            f"sequence '{name}' has other categories than the videos before it; their ids and "
            'the names and order of their keypoints must be the same'
        )
    return categories or others


def _identity(categories: list[dict]) -> list[tuple]:
    """The fields of categories that must be equal in all videos."""
    return [(each.get('id'), each.get('keypoints')) for each in categories]


def merge_folder(
    folder: Path,
    images: Path,
    out: Path,
    *,
    checked: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, int]:
    """Write the videos of a split as one file.

    A video has the name of the folder of its frames, which in PoseTrack17 differs from that of its
    file. All frames of a video have the same size, which is read from the first and the last
    labeled frame.

    Args:
        folder: Folder with a JSON file per video, in PoseTrack18's layout or in PoseTrack17's.
        images: The folder that the image names in these files are relative to.
        out: File to write.
        checked: Whether to check everything that the evaluation will need, such as ignore regions
            and head boxes.
        progress: Called with the numbers of finished and of all videos.

    Returns:
        The numbers of 'videos', 'frames', 'labeled' frames and 'people'.

    Raises:
        FileNotFoundError: If the folder or a frame does not exist.
        ValueError: If a file is invalid, or two files share a video or an id.
    """
    found = read_sequences(folder, 'folder of videos')
    sequences: dict[str, Mapping] = {}
    files: dict[str, str] = {}
    sizes = {}
    for number, (stem, content) in enumerate(found.items(), start=1):
        file = f'`{Path(folder) / stem}.json`'
        data = _as_2018(content, stem, checked)
        frames = require(data, 'images', file)
        name = _video(frames, file)
        if name in sequences:
            raise ValueError(f"{file} is of the video '{name}', and so is {files[name]}; keep one")
        files[name], sequences[name] = file, data
        labeled = {each.get('image_id') for each in require(data, 'annotations', file)}
        shown = [frame for frame in frames if frame.get('id') in labeled] or frames
        sizes[name] = _frame_size([Path(images) / each['file_name'] for each in shown], file)
        progress(number, len(found))
    merged = merge_sequences(sequences, sizes)
    write_json(out, merged)
    return {
        'videos': len(sequences),
        'frames': len(merged['images']),
        'labeled': len({each['image_id'] for each in merged['annotations']}),
        'people': len(merged['annotations']),
    }


def _as_2018(data: Mapping, stem: str, checked: bool) -> Mapping:
    """A video's content in PoseTrack18's layout."""
    if checked:
        read_ground_truth(data, stem)
    if isinstance(data, Mapping) and 'annolist' in data:
        return to_posetrack18(data, f"sequence '{stem}'")
    return data


def _video(frames: Sequence[Mapping], file: str) -> str:
    """The name of the video that all frames belong to."""
    names = {video_of(require(frame, 'file_name', f'{file}: images'))[1] for frame in frames}
    if len(names) != 1:
        raise ValueError(f'{file} should be of one video, but its frames are of {sorted(names)}')
    return names.pop()


def _frame_size(paths: Sequence[Path], file: str) -> tuple[int, int]:
    """(w, h) of a video's frames, from the headers of the first and the last."""
    sizes = {}
    for path in (paths[0], paths[-1]):
        try:
            with Image.open(path) as image:
                sizes[image.size] = path
        except FileNotFoundError:
            raise FileNotFoundError(
                f'{file}: the frame `{path}` does not exist; --images should name the folder that '
                "the files' image names are relative to"
            ) from None
        except OSError as error:  # not an image, or damaged
            raise ValueError(f'{file}: the frame `{path}` is not an image: {error}') from None
    if len(sizes) > 1:
        listed = ', '.join(f'`{path}` is {w} x {h}' for (w, h), path in sizes.items())
        raise ValueError(f'{file}: frames of a video should have one size, but {listed}')
    return next(iter(sizes))

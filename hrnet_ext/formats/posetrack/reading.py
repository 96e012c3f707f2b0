"""Read sequences, split into videos, and pair predictions with ground truth by frame."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from hrnet_ext.formats.posetrack import fields, format_2017, format_2018
from hrnet_ext.formats.posetrack.frames import Frame
from hrnet_ext.formats.posetrack.keypoints import KEYPOINTS
from hrnet_ext.reading import parse_json


def read_sequence(data: Mapping, where: str) -> list[Frame]:
    """The frames of a sequence, in order.

    Args:
        data: PoseTrack17's JSON (with ``annolist``) or PoseTrack18's (with ``images``,
            ``annotations`` and ``categories``).
        where: Name of the file, for messages, such as ``sequence '000342_mpii', predictions``.

    Raises:
        ValueError: If the file is invalid; the message names sequence, frame and key, and the
            cure.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f'{where} should be the dict of a JSON file, but is {type(data).__name__}')
    if 'annolist' in data:
        frames = format_2017.read(data, where)
    elif 'images' in data:
        frames = format_2018.read(data, where)
    else:
        raise ValueError(
            f"{where} has neither 'images' (PoseTrack18) nor 'annolist' (PoseTrack17), but "
            f'{sorted(data)}; give the JSON of one sequence in one of these formats'
        )
    _check_names(frames, where)
    for frame in frames:
        _check_people(frame, f"{where}: frame '{frame.name}'")
    return frames


def read_ground_truth(data: Mapping, name: str) -> list[Frame]:
    """Frames of a sequence's ground truth, checked for the evaluation.

    Args:
        data: As for :func:`read_sequence`.
        name: The sequence's name.

    Raises:
        ValueError: As :func:`read_sequence`, or if a person has keypoints but no head box.
    """
    where = f"sequence '{name}', ground truth"
    frames = read_sequence(data, where)
    for frame in frames:
        _check_head_boxes(frame, f"{where}: frame '{frame.name}'")
    return frames


def read_pairs(gt: Mapping, pred: Mapping, name: str) -> list[tuple[Frame, Frame]]:
    """Frames of a sequence's ground truth, each with its predictions.

    Args:
        gt: The sequence's ground truth, as for :func:`read_sequence`.
        pred: Its predictions, in either format.
        name: The sequence's name.

    Raises:
        ValueError: As :func:`read_ground_truth`, or if the frames are not the same.
    """
    return pair_frames(read_ground_truth(gt, name), pred, name)


def pair_frames(gt: list[Frame], pred: Mapping, name: str) -> list[tuple[Frame, Frame]]:
    """Frames of the ground truth, each with its predictions.

    They are paired by the number in their file's name (poseval pairs by position).

    Args:
        gt: The sequence's ground truth.
        pred: Its predictions, as for :func:`read_sequence`.
        name: The sequence's name.

    Raises:
        ValueError: As :func:`read_sequence`, or if the frames are not the same.
    """
    where = f"sequence '{name}', predictions"
    pred_frames = {frame.key: frame for frame in read_sequence(pred, where)}
    missing = [frame.name for frame in gt if frame.key not in pred_frames]
    if missing:
        raise ValueError(
            f"{where}: frame '{missing[0]}' is missing ({len(missing)} of {len(gt)} are); "
            'list all frames of the ground truth, also those without predicted persons'
        )
    known = {frame.key for frame in gt}
    unknown = [frame.name for key, frame in pred_frames.items() if key not in known]
    if unknown:
        raise ValueError(
            f"{where}: frame '{unknown[0]}' is not in the ground truth ({len(unknown)} are not); "
            'list only frames of the ground truth'
        )
    return [(frame, pred_frames[frame.key]) for frame in gt]


def _check_names(frames: list[Frame], where: str) -> None:
    """Check that all frames are from one video and that none is listed twice."""
    folders = sorted({frame.folder for frame in frames})
    if len(folders) > 1:
        raise ValueError(
            f"{where} has frames of {len(folders)} folders ('{folders[0]}', '{folders[1]}'); "
            'make each video a separate sequence'
        )
    seen: dict[int | str, str] = {}
    for frame in frames:
        if frame.key in seen:
            raise ValueError(
                f"{where}: frame '{frame.name}' is listed twice (also as '{seen[frame.key]}'); "
                'list it once'
            )
        seen[frame.key] = frame.name


def _check_people(frame: Frame, where: str) -> None:
    """Check that keypoints and scores are finite and that track ids are unique."""
    people = frame.people
    for name, values in (('position', people.keypoints), ('score', people.scores[..., None])):
        bad = np.argwhere(people.present & ~np.isfinite(values).all(axis=2))
        if len(bad):
            person, joint = bad[0]
            raise ValueError(
                f"{where}, person {person}: {name} of '{KEYPOINTS[joint]}' is "
                f'{values[person, joint].tolist()}; use finite numbers, or remove the keypoint'
            )
    if people.track_ids is None:
        return
    ids, counts = np.unique(people.track_ids, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f'{where}: {counts.max()} persons have track_id {ids[counts.argmax()]}; '
            'the track ids of a frame must be unique'
        )


def _check_head_boxes(frame: Frame, where: str) -> None:
    """Check that each person with keypoints has a head box, by which distances are divided."""
    boxes = frame.people.head_boxes
    needed = frame.people.present.any(axis=1)
    absent = np.flatnonzero(needed & ~np.isfinite(boxes).all(axis=1))
    if len(absent):
        raise ValueError(
            f'{where}, person {absent[0]} has no bbox_head (in PoseTrack17, x1, y1, x2, y2); '
            'distances are measured in head sizes: give every annotated person a head box'
        )
    empty = np.flatnonzero(needed & (boxes[:, :2] == boxes[:, 2:]).all(axis=1))
    if len(empty):
        raise ValueError(
            f'{where}, person {empty[0]}: bbox_head has zero size ({boxes[empty[0]].tolist()} as '
            'x1, y1, x2, y2), but distances are divided by it; correct the head box'
        )


def read_sequences(path: str | Path, what: str) -> dict[str, dict]:
    """The videos of a split, each as the dict of its JSON file.

    Args:
        path: A folder with a JSON file per video, named after it, or one file with all videos, as
            written by ``tools/convert_posetrack.py merge``.
        what: Its name in messages, such as ``annotation file``.

    Returns:
        The videos by name, sorted by name.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If the folder has no JSON file, or a file is not the file of a video.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path, what)
    if not path.is_file():
        raise FileNotFoundError(f'{what} `{path}` does not exist')
    source = f'{what} `{path}`'
    return split_sequences(parse_json(path.read_bytes(), source), source)


def split_sequences(data: Any, source: str) -> dict[str, dict]:
    """Split a merged file into videos, by the folders of the frames.

    Args:
        data: Content in COCO's layout with any number of videos; records are not changed.
        source: Name of the file, for messages.

    Raises:
        ValueError: If the content is invalid, two folders have the same name, or an annotation
            has an unknown image id.
    """
    images = fields.require(data, 'images', source)
    videos: dict[str, dict] = {}
    folders: dict[str, str] = {}
    name_of = {}
    for index, image in enumerate(images):
        file_name = fields.require(image, 'file_name', f'{source}: images[{index}]')
        folder, name = video_of(file_name)
        if folders.setdefault(name, folder) != folder:
            raise ValueError(
                f"{source}: frames of '{folder}' and of '{folders[name]}' cannot be distinguished, "
                'because a video has the name of the last folder; rename one'
            )
        video = videos.setdefault(name, {'images': [], 'annotations': []})
        video['images'].append(image)
        name_of[fields.require(image, 'id', f'{source}: images[{index}]')] = name
    for index, annotation in enumerate(fields.require(data, 'annotations', source)):
        where = f'{source}: annotations[{index}]'
        image_id = fields.annotated_image(annotation, name_of, where)
        videos[name_of[image_id]]['annotations'].append(annotation)
    categories = fields.require(data, 'categories', source)
    return {name: {**videos[name], 'categories': categories} for name in sorted(videos)}


def video_of(file_name: str) -> tuple[str, str]:
    """A frame's folder and the video's name: ``images/val/000342_mpii`` and ``000342_mpii``."""
    folder = PurePosixPath(file_name.replace('\\', '/')).parent
    return str(folder), folder.name


def _read_folder(folder: Path, what: str) -> dict[str, dict]:
    files = sorted(folder.glob('*.json'))
    if not files:
        raise ValueError(
            f'{what} `{folder}` has no .json file; use the folder with the files of the videos'
        )
    return {file.stem: parse_json(file.read_bytes(), f'{what} `{file}`') for file in files}

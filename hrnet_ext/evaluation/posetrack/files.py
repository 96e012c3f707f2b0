"""Predicted poses in PoseTrack18's format, and folders with a JSON file per video.

N: persons of an image; K: keypoints, in image space, pixels.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_ext.atomic_folder import atomic_folder
from hrnet_ext.evaluation.poses import Poses
from hrnet_ext.writing import write_json

FORMAT = 'hrnet_ext.posetrack18_predictions'
MARK = f'{{"info":{{"format":"{FORMAT}"'.encode()  # the first bytes of prediction files


def write_sequences(
    folder: str | Path, sequences: Mapping[str, Mapping], *, replace: bool = False
) -> None:
    """Write a JSON file for each video.

    Args:
        folder: Output folder; created if needed.
        sequences: Content of the files, by sequence name.
        replace: Whether any JSON files in the folder may be replaced; earlier predictions
            always are.

    Raises:
        ValueError: If the folder contains other files.
        OSError: If it cannot be written; an existing folder is kept then.
    """
    folder = Path(folder)
    check_replaceable(folder, replace=replace)
    with atomic_folder(folder, replace=folder.exists()) as work:
        for name, content in sequences.items():
            write_json(work / f'{name}.json', content)


def write_beside(prefix: str | Path, sequences: Mapping[str, Mapping]) -> None:
    """Write a JSON file for each video into the parent folder of ``prefix``, as MMPose does.

    Raises:
        ValueError: If a file of that name exists and is not an earlier prediction.
        OSError: If one cannot be written.
    """
    files = {Path(prefix).parent / f'{name}.json': one for name, one in sequences.items()}
    for file in files:
        if file.exists() and not _may_go(file, replace=False):
            raise ValueError(
                f'`{file}` exists and is not an earlier prediction; choose another '
                'outfile_prefix, or remove it'
            )
    for file, content in files.items():
        write_json(file, content)


def check_replaceable(folder: str | Path, *, replace: bool = False) -> None:
    """Check that :func:`write_sequences` may write to a folder.

    Raises:
        ValueError: If it contains files that would be lost, or is a file.
    """
    folder = Path(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f'`{folder}` is a file, but a folder is needed; choose another name')
    other = next((file for file in sorted(folder.iterdir()) if not _may_go(file, replace)), None)
    if other is not None:
        raise ValueError(
            f'`{folder}` contains `{other.name}`, which is not an earlier prediction; '
            'choose another name, or remove it'
        )


def _may_go(file: Path, replace: bool) -> bool:
    """Whether a file may be replaced."""
    if file.suffix != '.json' or not file.is_file():
        return False
    if replace:
        return True
    with file.open('rb') as opened:
        return opened.read(len(MARK)) == MARK


def people_records(
    image_id: int,
    poses: Poses,
    scores: np.ndarray,
    track_ids: Sequence[int] | None = None,
    *,
    min_keypoint_score: float | None = None,
    rescore: bool = False,
) -> list[dict[str, Any]]:
    """The entries of ``annotations`` for the predicted persons of an image.

    Args:
        image_id: Id of the image.
        poses: N persons.
        scores: (N,) of whole poses.
        track_ids: N, or None.
        min_keypoint_score: Keypoints with lower scores are written as 0, 0, 0; persons without any
            other keypoint are dropped. None keeps all.
        rescore: Whether to multiply keypoint scores by the box's score.
    """
    least = -np.inf if min_keypoint_score is None else min_keypoint_score
    kept = poses.keypoint_scores >= least
    ranks = poses.keypoint_scores * (poses.box_scores[:, None] if rescore else 1)
    triples = np.dstack([poses.keypoints, poses.keypoint_scores])
    columns = {
        'keypoints': np.where(kept[..., None], triples, 0).reshape(len(poses), 3 * kept.shape[1]),
        'scores': np.where(kept, ranks, 0),
        'score': scores,
    }
    if track_ids is not None:
        columns['track_id'] = np.asarray(track_ids)
    return [
        {
            'image_id': image_id,
            'category_id': 1,
            **{name: column[index].tolist() for name, column in columns.items()},
        }
        for index in np.flatnonzero(kept.any(axis=1))
    ]


def prediction_files(
    images: Mapping[str, list[dict]],
    people: Mapping[int, list[dict]],
    keypoint_names: Sequence[str],
) -> dict[str, dict]:
    """PoseTrack18's JSON of each sequence, with all frames, also those without persons.

    Args:
        images: The frames' records by sequence.
        people: Entries of ``annotations`` by image id.
        keypoint_names: K, in the order of the keypoints.
    """
    category = {
        'supercategory': 'person',
        'id': 1,
        'name': 'person',
        'keypoints': list(keypoint_names),
    }
    return {
        name: {
            'info': {'format': FORMAT},
            'images': frames,
            'annotations': [one for frame in frames for one in people.get(frame['id'], ())],
            'categories': [category],
        }
        for name, frames in images.items()
    }

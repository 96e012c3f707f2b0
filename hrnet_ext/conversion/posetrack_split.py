"""Split a merged PoseTrack file, or results on it, into one file per video."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_ext.evaluation.posetrack.files import prediction_files, write_sequences
from hrnet_ext.formats.posetrack import fields
from hrnet_ext.formats.posetrack.reading import split_sequences
from hrnet_ext.reading import parse_json


def split_file(
    path: Path, out: Path, *, annotations: Path | None = None, replace: bool = False
) -> int:
    """Write a file per video, the input of poseval.

    Args:
        path: A merged file, whose records are not changed; or keypoint results in COCO's
            format, a list.
        out: Output folder.
        annotations: For results, the merged file with their images.
        replace: Whether JSON files in ``out`` may be replaced.

    Returns:
        The number of videos.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is invalid, or ``out`` contains other files.
    """
    content = _read(path)
    if isinstance(content, list):
        if annotations is None:
            raise ValueError(
                f'`{path}` holds results (a list), which do not say what video an image is of; '
                'name the merged annotation file, too (--ann)'
            )
        sequences = split_results(content, _read(annotations), f'`{path}`', f'`{annotations}`')
    else:
        sequences = split_sequences(content, f'`{path}`')
    write_sequences(out, sequences, replace=replace)
    return len(sequences)


def split_results(
    results: Sequence[Mapping], annotations: Mapping, where: str, truth: str
) -> dict[str, dict]:
    """Predictions of each video from keypoint results in COCO's format.

    Args:
        results: With ``image_id``, ``keypoints`` (3 K numbers, the third of each its score), maybe
            ``score`` and ``track_id``.
        annotations: The merged file with their images.
        where: Name of the results, for messages.
        truth: Name of the annotations, for messages.

    Raises:
        ValueError: If a result is invalid or its image is not in the annotations.
    """
    videos = split_sequences(annotations, truth)
    categories = fields.require(annotations, 'categories', truth)
    names = fields.require(categories[0], 'keypoints', f'{truth}: categories[0]')
    known = {image['id'] for video in videos.values() for image in video['images']}
    people = defaultdict(list)
    for index, result in enumerate(results):
        here = f'{where}: [{index}]'
        image_id = fields.require(result, 'image_id', here)
        if image_id not in known:
            raise ValueError(
                f'{here} is of image_id {image_id}, which {truth} does not list; results and '
                'annotations are of different data sets'
            )
        people[image_id].append(_person(result, len(names), here))
    images = {
        name: [{key: image[key] for key in ('id', 'file_name')} for image in video['images']]
        for name, video in videos.items()
    }
    return prediction_files(images, people, names)


def _person(result: Mapping, num_keypoints: int, where: str) -> dict[str, Any]:
    """A result as an entry of ``annotations``."""
    raw = fields.require(result, 'keypoints', where)
    keypoints = fields.numbers(raw, f'{where}: keypoints')
    if keypoints.shape != (3 * num_keypoints,) or not np.isfinite(keypoints).all():
        raise ValueError(
            f'{where}: keypoints should be {3 * num_keypoints} finite numbers (x, y and score of '
            f'{num_keypoints}), but are {keypoints.size}: {raw!r:.60}'
        )
    kept = {key: result[key] for key in ('score', 'track_id') if key in result}
    return {
        'image_id': result['image_id'],
        'category_id': 1,
        'keypoints': keypoints.tolist(),
        'scores': keypoints[2::3].tolist(),
        **kept,
    }


def _read(path: Path) -> Any:
    if not Path(path).is_file():
        raise FileNotFoundError(f'file `{path}` does not exist')
    return parse_json(Path(path).read_bytes(), f'file `{path}`')

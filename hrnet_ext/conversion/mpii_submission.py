"""Write predictions for MPII's test set in the form of its official evaluation.

This is a MATLAB file with one variable ``pred``: ``RELEASE.annolist`` of the test images, in order,
where each single person has ``annopoints.point`` with x, y (1-based pixels) and id (0 to 15).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from mmengine.fileio import exists
from scipy.io import savemat

from hrnet_ext.conversion.mpii_release import NUM_KEYPOINTS, Release
from hrnet_ext.formats.files import read_json
from hrnet_ext.reading import check_records
from hrnet_ext.writing import write_atomically

WHAT = 'predictions'
HOW_TO_PREDICT = (
    'predict on the mpii_test.json of tools/convert_mpii.py annotations, which has the index '
    'of each person in the .mat: test.py with test_evaluator.format_only=True and '
    'test_evaluator.outfile_prefix=FOLDER/NAME'
)
SHOWN = 3  # people in a message


@dataclass(frozen=True)
class Prediction:
    """One person's keypoints.

    Attributes:
        image: The image's number in ``annolist``, from 0.
        name: The image's file name.
        rectangle: The person's number in the image, from 0.
        keypoints: (16, 2) in 0-based pixels.
    """

    image: int
    name: str
    rectangle: int
    keypoints: np.ndarray


def read_predictions(path: str) -> list[Prediction]:
    """Read the ``NAME.predictions.json`` of :class:`hrnet_ext.evaluation.metrics.MpiiMetric`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is another file, or lacks the indices of its persons in the release.
    """
    where = f'{WHAT} `{path}`'
    if not exists(path):
        raise FileNotFoundError(f'{where} does not exist: {HOW_TO_PREDICT}')
    content = read_json(path, WHAT)
    check_records(content, ('image', 'keypoints'), where)
    return [_prediction(record, f'{where}[{index}]') for index, record in enumerate(content)]


def fill_in(release: Release, predictions: Sequence[Prediction]) -> np.ndarray:
    """The test set's annolist (1, M) with the predicted keypoints of its single persons.

    Predictions of other persons are dropped, because MPII does not evaluate them here.

    Raises:
        ValueError: If the prediction of a single person is missing (gives the number and three
            names), or one is not in the test images of this release.
    """
    given: dict[tuple[int, int], np.ndarray] = {}
    for prediction in predictions:
        _check_place(prediction, release)
        given[prediction.image, prediction.rectangle] = prediction.keypoints
    wanted = single_people(release)
    missing = [place for place in wanted if place not in given]
    if missing:
        shown = ', '.join(f'`{release.names[i]}` rectangle {r}' for i, r in missing[:SHOWN])
        raise ValueError(
            f'{WHAT} of {len(missing)} of {len(wanted)} single people of the test set are missing, '
            f'such as {shown} (counted from 0): {HOW_TO_PREDICT}'
        )
    by_image: dict[int, dict[int, np.ndarray]] = {}
    for image, rectangle in wanted:
        by_image.setdefault(image, {})[rectangle] = given[image, rectangle]
    filled = release.annolist.copy()
    for image, keypoints in by_image.items():
        filled['annorect'][image] = _with_points(filled['annorect'][image], keypoints)
    return filled[~release.is_train][None]


def single_people(release: Release) -> list[tuple[int, int]]:
    """(image, rectangle) of the test set's single persons with a position and a size."""
    return [
        (image, index)
        for image in np.flatnonzero(~release.is_train).tolist()
        for index, rectangle in enumerate(release.rectangles(image))
        if index in release.single_person[image] and rectangle.is_located
    ]


def write_submission(path: Path, filled: np.ndarray) -> None:
    """Write the MATLAB file, atomically.

    Raises:
        OSError: If it cannot be written.
    """
    content = BytesIO()
    savemat(content, {'pred': filled}, do_compression=True)
    write_atomically(path, content.getbuffer())


def _prediction(record: dict, where: str) -> Prediction:
    absent = [key for key in ('image_index', 'rectangle') if not isinstance(record.get(key), int)]
    if absent:
        raise ValueError(f'{where} lacks {", ".join(absent)}: {HOW_TO_PREDICT}')
    try:
        keypoints = np.array(record['keypoints'], np.float64)
    except (TypeError, ValueError):
        keypoints = np.array(np.nan)
    if keypoints.shape != (NUM_KEYPOINTS, 3) or not np.isfinite(keypoints).all():
        raise ValueError(f'{where}.keypoints should be 16 finite [x, y, score]')
    return Prediction(record['image_index'], record['image'], record['rectangle'], keypoints[:, :2])


def _check_place(prediction: Prediction, release: Release) -> None:
    image, name = prediction.image, prediction.name
    if image not in range(len(release.names)) or release.names[image] != name:
        raise ValueError(
            f'{WHAT}: the image_index {image} of `{name}` is another image in this .mat; were the '
            'annotations converted from another?'
        )
    if release.is_train[image]:
        raise ValueError(
            f"{WHAT}: `{name}` is a training image, but only the test set's are submitted: "
            f'{HOW_TO_PREDICT}'
        )


def _with_points(rectangles: np.ndarray, keypoints: dict[int, np.ndarray]) -> np.ndarray:
    """An annorect (1, R) with ``annopoints`` for the rectangles that have predictions."""
    names = list(dict.fromkeys([*rectangles.dtype.names, 'annopoints']))
    filled = np.empty(rectangles.shape, [(name, object) for name in names])
    for name in names:
        for index in range(rectangles.size):
            has = name in rectangles.dtype.names
            filled[name].flat[index] = rectangles[name].flat[index] if has else np.zeros((0, 0))
    for index, points in keypoints.items():
        filled['annopoints'].flat[index] = _annopoints(points)
    return filled


def _annopoints(keypoints: np.ndarray) -> np.ndarray:
    """The struct for keypoints (16, 2) in 0-based pixels."""
    points = np.empty((1, NUM_KEYPOINTS), [(name, object) for name in ('x', 'y', 'id')])
    for number, (x, y) in enumerate(keypoints):
        points[0, number] = (x + 1, y + 1, float(number))
    annopoints = np.empty((1, 1), [('point', object)])
    annopoints['point'][0, 0] = points
    return annopoints

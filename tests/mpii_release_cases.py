"""MPII's own annotation file in small, with the oddities of the large one."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

EMPTY = np.zeros((0, 0))
NAMES = ('037454012.jpg', '095071431.jpg', '073199394.jpg', '059865848.jpg')  # for training
TEST_NAMES = ('000004812.jpg', '000022704.jpg', '000025245.jpg')


def structs(records: list[dict]) -> np.ndarray:
    """A struct array (1, N) as MATLAB has it: every element has every field, maybe empty."""
    names = dict.fromkeys(name for record in records for name in record)
    array = np.empty((1, len(records)), [(name, object) for name in names])
    for index, record in enumerate(records):
        for name in names:
            array[name][0, index] = record.get(name, EMPTY)
    return array


def cells(values: list) -> np.ndarray:
    """A cell array (N, 1)."""
    array = np.empty((len(values), 1), object)
    for index, value in enumerate(values):
        array[index, 0] = value
    return array


def position(rectangle: int, keypoint: int) -> tuple[float, float]:
    """Where a keypoint is, 1-based."""
    return 20.5 + 9 * keypoint + rectangle, 30.25 + 5 * keypoint


def points(rectangle: int, keypoints: range, **changes) -> np.ndarray:
    """``annopoints`` of some keypoints, their visibility in each of the ways it is kept."""
    visibility = [{}, {'is_visible': 1}, {'is_visible': '0'}, {'is_visible': EMPTY}]
    records = []
    for number in keypoints:
        x, y = position(rectangle, number)
        record = {'id': np.uint8(number), 'x': x, 'y': y, **visibility[number % 4], **changes}
        records.append(record)
    return structs([{'point': structs(records)}])


def person(rectangle: int, **fields) -> dict:
    """A rectangle with position and size."""
    objpos = structs([{'x': np.uint16(100 + rectangle), 'y': np.uint16(90)}])
    return {'objpos': objpos, 'scale': 1.25 + rectangle, **fields}


def head(rectangle: int) -> dict:
    """The fields of a head box."""
    box = (60 + rectangle, 20, 81 + rectangle, 48.5)
    return dict(zip(('x1', 'y1', 'x2', 'y2'), box))


def release() -> dict:
    """RELEASE with four images for training, of which two have people to learn from, and three."""
    annorects = [
        structs(
            [
                person(0, **head(0), annopoints=points(0, range(16))),
                {**head(1), 'annopoints': points(1, range(16))},  # neither position nor size
                person(2, **head(2), annopoints=points(2, range(2, 16))),  # no right ankle and knee
            ]
        ),
        EMPTY,
        structs([head(0)]),
        structs(
            [
                person(0, **head(0), annopoints=points(0, range(9, 10))),  # a single point
                person(1, **head(1)),  # not annotated
                person(2, x1=5, y1=5, x2=5, y2=5, annopoints=points(2, range(16))),  # no head
            ]
        ),
        structs([person(0), person(1), {'scale': EMPTY}]),
        structs([person(0)]),
        structs([person(0)]),
    ]
    images = [
        {'image': structs([{'name': name}]), 'annorect': annorect, 'frame_sec': 5, 'vididx': 1}
        for name, annorect in zip(NAMES + TEST_NAMES, annorects)
    ]
    single = [[3], EMPTY, [1], [[1], [3]], [2, 3], [1], EMPTY]
    return {
        'annolist': structs(images),
        'img_train': np.array([1, 1, 1, 1, 0, 0, 0], np.uint8),
        'version': '12',
        'single_person': cells([np.array(value, np.uint8) for value in single]),
        'act': EMPTY,
        'video_list': EMPTY,
    }


def write_release(path: Path, content: dict | None = None) -> Path:
    """Write it as the release is written."""
    savemat(path, {'RELEASE': structs([content or release()])}, do_compression=True)
    return path

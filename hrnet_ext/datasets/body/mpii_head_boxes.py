"""Head boxes of MPII from a separate file, matched with the annotated persons.

Legend: N people; boxes (N, 4) are (x1, y1, x2, y2) in 0-based pixels of image space.
"""

import numpy as np

from hrnet_ext.datasets.body.mpii_files import (
    NUM_KEYPOINTS,
    RELEASE_ORIGIN,
    People,
    parse_people,
)
from hrnet_ext.formats.files import read_json
from hrnet_ext.formats.mat_files import read_mat

SAME_PIXEL = 0.5  # more than rounding errors, less than the shift between 0- and 1-based pixels
SAME_PERSON = 0.5  # share of keypoints that agree; 13 of the 44,240 in mpii_gt_val.mat do not
MAT_SOURCE = (
    'mpii_gt_val.mat belongs to mpii_val.json; tools/convert_mpii.py writes annotation files with '
    'head boxes'
)


def read_head_boxes(path: str, what: str, people: People) -> np.ndarray:
    """Head boxes (N, 4) of ``people``.

    Args:
        path: MATLAB's ``mpii_gt_val.mat`` (``headboxes_src`` (2, 2, N), and ``pos_gt_src`` (16, 2,
            N) with ``jnt_missing`` (16, N), which check its rows); or JSON: a list of N
            [x1, y1, x2, y2], which may be the ``head_boxes`` of an object, or an annotation file
            with head boxes, whose persons are matched by image and center.
        what: Its role and config key, for messages.
        people: The annotated people.

    Raises:
        ValueError: If the file is invalid or contains other persons.
    """
    where = f'{what} `{path}`'
    if path.endswith('.mat'):
        return _from_mat(path, what, people)
    content = read_json(path, what)
    if isinstance(content, dict) and 'people' in content:
        return _of_same_people(parse_people(content, where), people, where)
    boxes = content.get('head_boxes') if isinstance(content, dict) else content
    try:
        boxes = np.array(boxes, np.float64)
    except (TypeError, ValueError):
        boxes = np.array(np.nan)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f'{where} should hold a list of [x1, y1, x2, y2], alone or under `head_boxes`, or '
            '`people` with a head_box each'
        )
    _check_number(len(boxes), people, where)
    return boxes


def check_head_boxes(boxes: np.ndarray, where: str) -> None:
    """Check that head boxes (N, 4), named ``where`` in messages, have a positive size.

    Raises:
        ValueError: If one has not; gives their number and the first.
    """
    sizes = np.linalg.norm(boxes[:, 2:] - boxes[:, :2], axis=1)
    bad = np.flatnonzero(~(np.isfinite(sizes) & (sizes > 0)))
    if len(bad):
        raise ValueError(
            f'{where}: {len(bad)} of {len(boxes)} head boxes are missing or have no size, which '
            f'PCKh divides by; the first is [{bad[0]}] {boxes[bad[0]].tolist()}; correct them, or '
            'leave these people out'
        )


def _from_mat(path: str, what: str, people: People) -> np.ndarray:
    where = f'{what} `{path}`'
    variables = ('headboxes_src', 'pos_gt_src', 'jnt_missing')
    found = read_mat(path, what, variables, MAT_SOURCE)
    for name, shape in zip(variables, ((2, 2), (NUM_KEYPOINTS, 2), (NUM_KEYPOINTS,))):
        _check_number(found[name].shape[-1], people, where)
        if found[name].shape != (*shape, len(people)):
            raise ValueError(
                f'{where}: {name} should be {(*shape, len(people))}, but is {found[name].shape}'
            )
    corners, positions, missing = (found[name] for name in variables)
    shown = (np.moveaxis(missing, -1, 0) == 0) & people.visible
    distances = np.abs(np.moveaxis(positions, -1, 0) - RELEASE_ORIGIN - people.keypoints).max(-1)
    same = ((distances < SAME_PIXEL) & shown).sum(1) >= SAME_PERSON * people.visible.sum(1)
    if not same.all():
        raise ValueError(
            f'{where}: the keypoints of {(~same).sum()} of {len(people)} rows (pos_gt_src) are not '
            f'those of the annotated people, the first is row {np.argmin(same)}; head boxes are '
            'paired by row, so the order and the pixel origin (1-based in the release) must be '
            'those of the annotation file it was made with'
        )
    return np.moveaxis(corners, -1, 0).reshape(-1, 4) - RELEASE_ORIGIN


def _of_same_people(others: People, people: People, where: str) -> np.ndarray:
    """The head boxes of those of ``others`` that match ``people`` by image and center."""
    if others.head_boxes is None:
        raise ValueError(f'{where} has people, but none with a head_box')
    rows: dict[str, list[int]] = {}
    for row, image in enumerate(others.images):
        rows.setdefault(image, []).append(row)
    chosen = []
    for image, center in zip(people.images, people.centers):
        near = [
            row
            for row in rows.get(image, ())
            if np.abs(others.centers[row] - center).max() < SAME_PIXEL
        ]
        if not near:
            raise ValueError(
                f'{where} has no person of {image} with the center {center.tolist()} (0-based), '
                'which the annotation file has; the two files are of different people'
            )
        chosen.append(near[0])
    return others.head_boxes[chosen]


def _check_number(number: int, people: People, where: str) -> None:
    if number != len(people):
        raise ValueError(
            f'{where} has head boxes of {number} people, but the annotation file has '
            f'{len(people)}; they are of different splits'
        )

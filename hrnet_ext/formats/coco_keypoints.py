"""COCO annotations: check the order of keypoints, and which annotations are usable for a crop.

N: annotations; their keypoints are a list x, y, v, x, y, v, ... Boxes are (x, y, w, h).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

CROWD = 'crowd(s)'
NO_BOX = 'without a box'
NO_KEYPOINTS = 'without keypoints'
NOT_LABELLED = 'without labeled keypoints'
EMPTY_BOX = 'box(es) without area'
OUTSIDE = 'box(es) outside the image'
USUAL = (CROWD, NOT_LABELLED)  # frequent in COCO: thousands


def check_names(category: Mapping, expected: Sequence[str], where: str) -> list[str]:
    """Compare a category's keypoint names with the metainfo's.

    A name that both have must have the same index. Spelling variants are equal ('Left Eye' and
    'left_eye').

    Args:
        category: Category of an annotation file; its ``keypoints`` may be absent.
        expected: The names in the metainfo; empty if they are unknown.
        where: Name of the file, for the message.

    Returns:
        A message to log if names could not be compared.

    Raises:
        ValueError: If the order differs.
    """
    found = category.get('keypoints') or []
    if not found or not expected:
        return []
    places = {_plain(name): index for index, name in enumerate(expected)}
    for index, name in enumerate(found):
        if places.get(_plain(name), index) != index:
            at = f"'{expected[index]}'" if index < len(expected) else 'nothing'
            raise ValueError(
                f'{where}: categories lists the keypoints of {category.get("name", "it")!r} '
                f'in another order: number {index} is {name!r}; correct it (in metainfo that is '
                f'{at}), or give the data set the metainfo of its keypoints'
            )
    unknown = [name for name in found if _plain(name) not in places]
    if not unknown:
        return []
    return [
        f'keypoint names that are not in the metainfo: {", ".join(map(str, unknown))}; make sure '
        'that their order is the same'
    ]


def left_out(people: Sequence[Mapping], boxes: np.ndarray, sizes: np.ndarray) -> list[str | None]:
    """Why annotations are unusable for a crop, as in MMPose; None for usable ones.

    Args:
        people: N COCO annotations, checked.
        boxes: (N, 4) their boxes (x, y, w, h); NaN if there is none.
        sizes: (N, 2) of their images as (w, h).
    """
    corners = clip_boxes(boxes, sizes)
    within = (corners[:, 2:] > corners[:, :2]).all(axis=1).tolist()
    positive = (boxes[:, 2:] > 0).all(axis=1).tolist()
    rows = zip(people, (~np.isnan(boxes[:, 0])).tolist(), positive, within)
    return [_reason(*row) for row in rows]


def far_outside(boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Whether boxes (N, 4) extend beyond their image by more than its size; (N,) bool.

    Args:
        boxes: (x, y, w, h).
        sizes: (N, 2) of their images as (w, h).
    """
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    return ((low < -sizes) | (high > 2 * sizes)).any(axis=1)


def clip_boxes(boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) as float32 (x1, y1, x2, y2) inside images of ``sizes`` (N, 2) as (w, h)."""
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return np.clip(corners, 0, np.tile(sizes, 2) - 1).astype(np.float32)


def _reason(person: Mapping, has_box: bool, positive: bool, within: bool) -> str | None:
    if person.get('iscrowd'):
        return CROWD
    keypoints = person.get('keypoints')
    if not keypoints:
        return NO_KEYPOINTS
    if person.get('num_keypoints', 1) == 0 or _none_positive(keypoints):
        return NOT_LABELLED
    if not has_box:
        return NO_BOX
    if not positive:
        return EMPTY_BOX
    return None if within else OUTSIDE


def _none_positive(keypoints: Sequence[float]) -> bool:
    return max(keypoints[::3]) <= 0 and max(keypoints[1::3]) <= 0


def _plain(name: object) -> str:
    return re.sub(r'[^0-9a-z]+', '_', str(name).lower()).strip('_')

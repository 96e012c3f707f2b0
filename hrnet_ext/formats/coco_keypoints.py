"""The people of COCO annotation files: are their keypoints in the expected order, who is of use?

N: annotations; their keypoints are numbers x, y, v in turn. Boxes are (x, y, w, h).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

CROWD = 'crowd(s)'
NO_BOX = 'without a box'
NO_KEYPOINTS = 'without keypoints'
NOT_LABELLED = 'without labelled keypoints'
EMPTY_BOX = 'box(es) without area'
OUTSIDE = 'box(es) outside the image'
USUAL = (CROWD, NOT_LABELLED)  # COCO has thousands of these


def check_names(category: Mapping, expected: Sequence[str], where: str) -> list[str]:
    """Compare a category's keypoint names with the metainfo's.

    Spelling apart ('Left Eye' is 'left_eye'), a name that both have must have the same place.

    Args:
        category: Of an annotation file; its ``keypoints`` may be absent.
        expected: The names by the metainfo; none if they are unknown.
        where: Which file, for the message.

    Returns:
        A remark where names could not be compared.

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
        f'keypoints of other names than the metainfo has: {", ".join(map(str, unknown))}; see to '
        'it that their order is the same'
    ]


def left_out(people: Sequence[Mapping], boxes: np.ndarray, sizes: np.ndarray) -> list[str | None]:
    """Why annotations are of no use for a crop each, as in MMPose; None for those that are.

    Args:
        people: N COCO annotations, checked.
        boxes: (N, 4) theirs (x, y, w, h); NaN where there is none.
        sizes: (N, 2) of their images as (w, h).
    """
    corners = clip_boxes(boxes, sizes)
    within = (corners[:, 2:] > corners[:, :2]).all(axis=1).tolist()
    positive = (boxes[:, 2:] > 0).all(axis=1).tolist()
    rows = zip(people, (~np.isnan(boxes[:, 0])).tolist(), positive, within)
    return [_reason(*row) for row in rows]


def far_outside(boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Whether boxes (N, 4) reach farther beyond their image than it is large; (N,) bool.

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

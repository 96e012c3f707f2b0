"""Keypoints and boxes of COCO annotations: are they sound, and of use for one person's crop?

K: keypoints; N: annotations. Keypoints are 3 K numbers x, y, v; boxes (x1, y1, x2, y2) here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

VISIBILITIES = (0, 1, 2)

CROWD = 'crowd(s)'
NO_BOX = 'without a box'
NO_KEYPOINTS = 'without keypoints'
NOT_LABELLED = 'without labelled keypoints'
EMPTY_BOX = 'box(es) without area'
OUTSIDE = 'box(es) outside the image'
USUAL = (CROWD, NOT_LABELLED)  # COCO has thousands of these


def check_keypoints(
    people: Sequence[Mapping], num_keypoints: int, where: str = '', hint: str = ''
) -> None:
    """Check that keypoints are 3 K finite numbers with v = 0, 1 or 2.

    Args:
        people: COCO annotations; those without keypoints need none.
        num_keypoints: K.
        where: Which file, for the message.
        hint: What to do about another number of keypoints, for the message.

    Raises:
        ValueError: If they are not; names the first annotation.
    """
    people = [one for one in people if one.get('keypoints')]
    table = _table(people, num_keypoints)
    if table is None:
        for one in people:
            _check_values(one, num_keypoints, where, hint)
        return
    bad = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if len(bad):
        raise ValueError(
            f'{_at(where)}keypoints of annotation {people[bad[0]]["id"]!r} are not all finite '
            f'({len(bad):,} annotations have such); give numbers, or 0, 0, 0 for one that is not '
            'labelled'
        )
    visibility = table[:, 2::3]
    odd = ~((visibility == 0) | (visibility == 1) | (visibility == 2))
    bad = np.flatnonzero(odd.any(axis=1))
    if len(bad):
        values = visibility[bad[0]][odd[bad[0]]]
        raise ValueError(
            f'{_at(where)}annotation {people[bad[0]]["id"]!r} has a keypoint of visibility '
            f'{values[0]:g} ({len(bad):,} annotations have such); it should be 0 (not labelled), 1 '
            '(labelled, hidden) or 2 (labelled, visible): does the file use another convention, '
            'or scores? Rewrite them: 2 for what is to be learned, 0 for what is not'
        )


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


def _table(people: Sequence[Mapping], num_keypoints: int) -> np.ndarray | None:
    """Keypoints (N, 3 K); None if some are of another length, or not numbers."""
    try:
        table = np.array([one['keypoints'] for one in people])
    except ValueError:
        return None
    if not people:
        return np.empty((0, 3 * num_keypoints))
    fits = table.ndim == 2 and table.shape[1] == 3 * num_keypoints and table.dtype.kind in 'iuf'
    return table if fits else None


def _check_values(person: Mapping, num_keypoints: int, where: str, hint: str) -> None:
    values = person['keypoints']
    at = f'{_at(where)}annotation {person["id"]!r}'
    if not isinstance(values, (list, tuple)):
        raise ValueError(
            f'{at}: keypoints should be a list of {3 * num_keypoints} numbers, but is '
            f'{values!r:.60}'
        )
    if len(values) != 3 * num_keypoints:
        raise ValueError(
            f'{at} has {len(values)} keypoint values, but {num_keypoints} keypoints need '
            f'{3 * num_keypoints} (x, y, visibility); correct it or the metainfo{hint}'
        )
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(
                f'{at}: keypoints[{index}] should be a number, but is {value!r} '
                f'({type(value).__name__})'
            )


def _at(where: str) -> str:
    return f'{where}: ' if where else ''


def _plain(name: object) -> str:
    return re.sub(r'[^0-9a-z]+', '_', str(name).lower()).strip('_')

"""The numbers in COCO annotation files: are they numbers, finite, and of the agreed meaning?

K: keypoints. Keypoints are 3 K numbers x, y, v; v is 0, 1 or 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

VISIBILITIES = (0, 1, 2)  # not labelled; labelled, hidden; labelled, visible


def number_table(rows: Sequence[Sequence], length: int) -> np.ndarray | None:
    """Numbers (N, length); None if a row has others, or something else."""
    if not rows:
        return np.empty((0, length))
    try:
        table = np.array(rows)
    except ValueError:  # of different lengths
        return None
    fits = table.ndim == 2 and table.shape[1] == length and table.dtype.kind in 'iuf'
    return table if fits else None


def check_numbers(
    records: Sequence[Mapping],
    key: str,
    expected: str,
    where: str,
    *,
    length: int | None = None,
    accept: Callable[[np.ndarray], np.ndarray] = np.isfinite,
) -> None:
    """Check a field of many records at once.

    Args:
        records: Each with an id.
        key: The field.
        expected: What it should be, for the message.
        where: Which records, for the message, such as '... of image'.
        length: Of the field's list; None if it is a number.
        accept: Whether numbers are fit, one by one.

    Raises:
        ValueError: If one is not; names the first.
    """

    def fits(some: Sequence[Mapping]) -> bool:
        rows = [one[key] for one in some] if length else [[one[key]] for one in some]
        table = number_table(rows, length or 1)
        return table is not None and bool(accept(table).all())

    if fits(records):
        return
    odd = next(one for one in records if not fits([one]))
    raise ValueError(f'{where} {odd["id"]!r}: {key} should be {expected}, but is {odd[key]!r:.80}')


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
    table = number_table([one['keypoints'] for one in people], 3 * num_keypoints)
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
    odd = ~np.isin(visibility, VISIBILITIES)
    bad = np.flatnonzero(odd.any(axis=1))
    if len(bad):
        values = visibility[bad[0]][odd[bad[0]]]
        raise ValueError(
            f'{_at(where)}annotation {people[bad[0]]["id"]!r} has a keypoint of visibility '
            f'{values[0]:g} ({len(bad):,} annotations have such); it should be 0 (not labelled), 1 '
            '(labelled, hidden) or 2 (labelled, visible): does the file use another convention, '
            'or scores? Rewrite them: 2 for what is to be learned, 0 for what is not'
        )


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

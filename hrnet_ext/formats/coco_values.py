"""Checks of the numbers in COCO annotation files: type, finiteness and visibility values.

K: keypoints. Keypoints are 3 K numbers x, y, v; v is 0, 1 or 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

VISIBILITIES = (0, 1, 2)  # not labeled; labeled, hidden; labeled, visible


def number_table(rows: Sequence[Sequence], length: int) -> np.ndarray | None:
    """Numbers (N, length); None if a row has another length or other values."""
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
        expected: Description of valid values, for the message.
        where: Name of the records, for the message, such as '... of image'.
        length: Length of the field's list; None if it is a number.
        accept: Returns for each number whether it is valid.

    Raises:
        ValueError: If a value is invalid; names the first.
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
        people: COCO annotations; those without keypoints are skipped.
        num_keypoints: K.
        where: Name of the file, for the message.
        hint: End of the message about another number of keypoints.

    Raises:
        ValueError: If they are invalid; names the first annotation.
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
            f'({len(bad):,} annotations are like that); use 0, 0, 0 for a keypoint that is not '
            'labeled'
        )
    visibility = table[:, 2::3]
    odd = ~np.isin(visibility, VISIBILITIES)
    bad = np.flatnonzero(odd.any(axis=1))
    if len(bad):
        values = visibility[bad[0]][odd[bad[0]]]
        raise ValueError(
            f'{_at(where)}annotation {people[bad[0]]["id"]!r} has a keypoint of visibility '
            f'{values[0]:g} ({len(bad):,} annotations are like that); it should be 0 (not '
            'labeled), 1 (labeled, hidden) or 2 (labeled, visible): does the file use another '
            'convention, or scores? Replace them: 2 for keypoints to learn, 0 for the others'
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

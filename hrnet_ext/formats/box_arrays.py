"""Boxes as arguments, in the form that all public functions accept; needs only NumPy.

Boxes of one image are (N, 4) x1, y1, x2, y2 in pixels of the image, (N, 5) with a score each, or
one box (4,) or (5,): lists, NumPy arrays, or PyTorch tensors on any device. No boxes are [].
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class BoxArrays(NamedTuple):
    """Valid boxes: finite, with x1 <= x2 and y1 <= y2.

    Attributes:
        corners: (N, 4) float64.
        scores: (N,) float64, 1 each if none were given.
        is_scored: Whether scores were given.
    """

    corners: np.ndarray
    scores: np.ndarray
    is_scored: bool


def box_arrays(boxes: Any, where: str = '') -> BoxArrays:
    """The boxes of one image.

    Args:
        boxes: See the docstring of this module.
        where: Start of error messages, such as the frame.

    Raises:
        ValueError: If they are not valid; names the first invalid box.
    """
    begin = f'{where}: ' if where else ''
    wanted = f'{begin}boxes should be (N, 4), x1 y1 x2 y2, or (N, 5) with their scores, but are'
    try:
        array = np.asarray(without_tensors(boxes), np.float64)
    except (ValueError, TypeError):
        raise ValueError(f'{wanted} {boxes!r:.80}') from None
    if not array.size:
        return BoxArrays(np.zeros((0, 4)), np.zeros(0), False)
    if array.ndim not in (1, 2) or array.shape[-1] not in (4, 5):
        raise ValueError(f'{wanted} {array.shape}')
    array = array.reshape(-1, array.shape[-1])
    refuse_not_finite(array, 'coordinates and score', f'{begin}box')
    corners = array[:, :4]
    negative = np.flatnonzero((corners[:, 2:] < corners[:, :2]).any(axis=1))
    if len(negative):
        raise ValueError(
            f'{begin}box {negative[0]} ends before it begins: {corners[negative[0]].tolist()}; '
            'give (x1, y1, x2, y2), not (x, y, w, h)'
        )
    is_scored = array.shape[1] == 5
    return BoxArrays(corners, array[:, 4] if is_scored else np.ones(len(array)), is_scored)


def faults_of(corners: np.ndarray, size: tuple[int, int]) -> dict[int, str]:
    """Why boxes ``corners`` (N, 4) contain no pixel of an image, by index; valid ones are absent.

    Args:
        corners: (N, 4).
        size: (w, h) of the image.
    """
    width, height = size
    x1, y1, x2, y2 = corners.T
    outside = (x2 <= 0) | (y2 <= 0) | (x1 >= width) | (y1 >= height)
    faults = {int(i): f'is outside the image ({width}x{height})' for i in np.flatnonzero(outside)}
    empty = np.flatnonzero((x2 <= x1) | (y2 <= y1))
    return dict(sorted({**faults, **{int(i): 'has no area' for i in empty}}.items()))


def refuse_faults(corners: np.ndarray, size: tuple[int, int], where: str = '') -> None:
    """Raise a ValueError for the first of ``corners`` (N, 4) without a pixel of an image."""
    for index, fault in faults_of(corners, size).items():
        begin = f'{where}: ' if where else ''
        raise ValueError(f'{begin}box {index} {fault}: {corners[index].tolist()}')


def refuse_not_finite(values: np.ndarray, what: str, where: str) -> None:
    """Raise a ValueError if one of ``values`` (N, ...) is not finite: ``where`` and its index."""
    bad = np.flatnonzero(~np.isfinite(values).all(axis=tuple(range(1, values.ndim))))
    if len(bad):
        raise ValueError(
            f'{where} {bad[0]}: {what} should be finite, but are {values[bad[0]].tolist()}'
        )


def without_tensors(value: Any) -> Any:
    """The value with PyTorch tensors, also those in lists, replaced by NumPy arrays."""
    if isinstance(value, (list, tuple)):
        return [without_tensors(each) for each in value]
    if hasattr(value, 'detach'):
        return value.detach().cpu().double().numpy()
    return np.asarray(value) if hasattr(value, '__array__') else value

"""PCKh, the accuracy of MPII: keypoints within a fraction of the head size, and its tables.

N: persons. Keypoints (N, 16, 2) are in MPII's order; predictions and ground truth share the
coordinate frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hrnet_ext.formats.mpii import KEYPOINTS as MPII_KEYPOINTS

# The rows of MPII's table. The upper neck has no row, but counts in the mean.
MPII_GROUPS = {
    'Head': ('head_top',),
    **{
        part.capitalize(): (f'left_{part}', f'right_{part}')
        for part in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
    },
}

LEFT_OUT = ('pelvis', 'thorax')  # not in the mean, as in the official evaluation


def head_segments(keypoints: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Lengths (N,) from head top to upper neck, in pixels; NaN where one is not annotated.

    For data without head boxes. A result normalized by them is not PCKh: the length differs from
    0.6 x the head box's diagonal, and is short for a head seen from above.

    Args:
        keypoints: (N, 16, 2) in MPII's order.
        visible: (N, 16), nonzero where annotated.
    """
    ends = [MPII_KEYPOINTS.index(name) for name in ('head_top', 'upper_neck')]
    top, neck = np.moveaxis(np.asarray(keypoints, np.float64)[:, ends], 1, 0)
    annotated = (np.asarray(visible)[:, ends] != 0).all(axis=1)
    return np.where(annotated, np.linalg.norm(top - neck, axis=1), np.nan)


def pckh(
    pred: np.ndarray,
    gt: np.ndarray,
    visible: np.ndarray,
    head_sizes: np.ndarray,
    threshold: float = 0.5,
) -> dict[str, float]:
    """Percentage of keypoints at most ``threshold`` head sizes away from the ground truth.

    The definition of MPII's and the official HRNet's evaluation (``lib/dataset/mpii.py``), ``<=``
    included: a group is the mean of its left and right keypoint's percentage, 'Mean' that of all
    keypoints but pelvis and thorax, weighted by how often each is annotated. A keypoint that is
    never annotated is NaN and does not count; in the official code all values become NaN then.

    Args:
        pred: (N, 16, 2) keypoints in MPII's order, in the same frame as ``gt``.
        gt: (N, 16, 2), pixels; 0-based or 1-based, the same as ``pred``.
        visible: (N, 16), nonzero where ``gt`` is annotated.
        head_sizes: (N,) pixels, 0.6 x the diagonal of the head box.
        threshold: In head sizes.

    Returns:
        'Head', 'Shoulder', 'Elbow', 'Wrist', 'Hip', 'Knee', 'Ankle' and 'Mean', in %.

    Raises:
        ValueError: If shapes do not agree, a head size is not positive or a keypoint is not finite.
    """
    correct, annotated = count_correct(pred, gt, visible, head_sizes, threshold)
    percentages = percentages_of(correct, annotated)
    counted = [name not in LEFT_OUT for name in MPII_KEYPOINTS]
    total = annotated[counted].sum()
    mean = float(100 * correct[counted].sum() / total) if total else float('nan')
    groups = {name: _mean_of(percentages, members) for name, members in MPII_GROUPS.items()}
    return {**groups, 'Mean': mean}


def count_correct(
    pred: np.ndarray,
    gt: np.ndarray,
    visible: np.ndarray,
    head_sizes: np.ndarray,
    threshold: float = 0.5,
) -> tuple[np.ndarray, np.ndarray]:
    """How often each keypoint is within ``threshold`` head sizes, and how often it is annotated.

    Args:
        pred, gt, visible, head_sizes, threshold: As :func:`pckh`.

    Returns:
        Two integer arrays (16,), in the order of ``MPII_KEYPOINTS``.

    Raises:
        ValueError: As :func:`pckh`.
    """
    pred, gt = np.asarray(pred, np.float64), np.asarray(gt, np.float64)
    visible, head_sizes = np.asarray(visible) != 0, np.asarray(head_sizes, np.float64)
    _check(pred, gt, visible, head_sizes)
    distances = np.linalg.norm(pred - gt, axis=2) / head_sizes[:, None]
    return ((distances <= threshold) & visible).sum(axis=0), visible.sum(axis=0)


def percentages_of(correct: np.ndarray, annotated: np.ndarray) -> np.ndarray:
    """100 x correct / annotated; NaN where nothing is annotated."""
    with np.errstate(invalid='ignore'):
        return 100 * correct / annotated


def _mean_of(percentages: np.ndarray, members: tuple[str, ...]) -> float:
    """Mean percentage of the named keypoints; NaN values are ignored."""
    values = percentages[[MPII_KEYPOINTS.index(name) for name in members]]
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float('nan')


def _check(pred: np.ndarray, gt: np.ndarray, visible: np.ndarray, head_sizes: np.ndarray) -> None:
    """Reject input that would silently give a wrong percentage."""
    num_people, num_keypoints = len(gt), len(MPII_KEYPOINTS)
    expected = {
        'pred': (pred, (num_people, num_keypoints, 2)),
        'gt': (gt, (num_people, num_keypoints, 2)),
        'visible': (visible, (num_people, num_keypoints)),
        'head_sizes': (head_sizes, (num_people,)),
    }
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise ValueError(
                f"{name} should be {shape} (MPII's 16 keypoints), but is {array.shape}"
            )
    bad = np.flatnonzero(~(np.isfinite(head_sizes) & (head_sizes > 0)))
    if len(bad):
        raise ValueError(
            f'head_sizes[{bad[0]}] is {head_sizes[bad[0]]}, but distances are divided by it; give '
            "0.6 x the diagonal of the person's head box, or drop the person"
        )
    for name, array in (('pred', pred), ('gt', np.where(visible[..., None], gt, 0))):
        bad = np.argwhere(~np.isfinite(array).all(axis=2))
        if len(bad):
            person, keypoint = bad[0]
            raise ValueError(
                f'{name}[{person}, {keypoint}] ({MPII_KEYPOINTS[keypoint]}) is '
                f'{array[person, keypoint].tolist()}; keypoints should be finite'
            )


@dataclass(frozen=True)
class Measure:
    """One way to normalize distances, and the names of its values.

    Attributes:
        thresholds: Thresholds by name of the mean value; the first one is also used for the groups.
        suffix: Suffix of the groups' names.
    """

    thresholds: Mapping[str, float]
    suffix: str = ''

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all values of :func:`mpii_scores`."""
        return (*self.thresholds, *(f'{group}{self.suffix}' for group in MPII_GROUPS))


MEASURES = {
    'head_box': Measure(
        # The release's "@0.1" uses 0.11 (its list of thresholds starts at 0).
        {'PCKh@0.5': 0.5, 'PCKh@0.1': 0.1, 'PCKh@0.11 (official @0.1)': 0.11}
    ),
    'head_segment': Measure({'PCKn@0.5': 0.5, 'PCKn@0.1': 0.1}, suffix=' PCKn'),
}


def mpii_scores(
    pred: np.ndarray, gt: np.ndarray, visible: np.ndarray, sizes: np.ndarray, measure: Measure
) -> dict[str, float]:
    """All values of a measure, in %.

    Args:
        pred: (N, 16, 2).
        gt: (N, 16, 2), pixels.
        visible: (N, 16), nonzero where annotated.
        sizes: (N,) pixels, by which distances are divided.
        measure: One of ``MEASURES``.

    Raises:
        ValueError: As :func:`hrnet_ext.evaluation.pckh.pckh`.
    """
    results = [pckh(pred, gt, visible, sizes, t) for t in measure.thresholds.values()]
    means = {name: result['Mean'] for name, result in zip(measure.thresholds, results)}
    groups = {f'{group}{measure.suffix}': results[0][group] for group in MPII_GROUPS}
    return {**means, **groups}


def keypoint_scores(
    pred: np.ndarray, gt: np.ndarray, visible: np.ndarray, sizes: np.ndarray, measure: Measure
) -> dict[str, dict[str, float]]:
    """For each keypoint, also pelvis and thorax: the number of annotations and the values in %.

    Args:
        pred, gt, visible, sizes, measure: As :func:`mpii_scores`.
    """
    table: dict[str, dict[str, float]] = {name: {} for name in MPII_KEYPOINTS}
    for column, threshold in measure.thresholds.items():
        correct, annotated = count_correct(pred, gt, visible, sizes, threshold)
        rows = zip(table.values(), annotated.tolist(), percentages_of(correct, annotated).tolist())
        for row, number, percentage in rows:
            row.update({'annotated': number, column: percentage})
    return table


def format_scores(values: Mapping[str, float], measure: Measure) -> str:
    """The table of the official release: groups, mean, and the means at smaller thresholds."""
    first, *others = measure.thresholds
    columns = {
        **{group: values[f'{group}{measure.suffix}'] for group in MPII_GROUPS},
        'Mean': values[first],
        **{f'Mean@{measure.thresholds[name]:g}': values[name] for name in others},
    }
    widths = [max(len(column), len('100.00')) for column in columns]
    head = '  '.join(f'{column:>{width}}' for column, width in zip(columns, widths))
    row = '  '.join(f'{value:>{width}.2f}' for value, width in zip(columns.values(), widths))
    return f'{head}\n{row}'

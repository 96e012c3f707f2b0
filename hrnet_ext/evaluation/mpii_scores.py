"""MPII's results: the reported values, and the table of the official release.

N: persons. Keypoints (N, 16, 2) are in MPII's order; predictions and ground truth share the
coordinate frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hrnet_ext.evaluation.pckh import (
    MPII_GROUPS,
    MPII_KEYPOINTS,
    count_correct,
    pckh,
    percentages_of,
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

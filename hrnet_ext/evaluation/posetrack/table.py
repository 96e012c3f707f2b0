"""Results as the table PoseTrack's papers print, and as JSON."""

import math
from collections.abc import Mapping
from typing import Any

from hrnet_ext.evaluation.posetrack.keypoints import GROUPS

METRICS = ('AP', 'MOTA', 'MOTP', 'MOTP_poseval', 'Precision', 'Recall')


def format_posetrack(result: Mapping[str, Any]) -> str:
    """A table of what :func:`evaluate_posetrack` returned: metrics by groups of keypoints, in %."""
    lines = [_line('', [*GROUPS, 'Total'])]
    for metric in METRICS:
        if metric in result:
            values = [*result['per_group'][metric].values(), result[metric]]
            lines.append(_line(metric, [f'{value:.2f}' for value in values]))
    return '\n'.join(lines)


def without_nan(value: Any) -> Any:
    """The same with None in the place of every NaN, which JSON does not know."""
    if isinstance(value, Mapping):
        return {key: without_nan(each) for key, each in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _line(name: str, cells: list[str]) -> str:
    return ' '.join([f'{name:<12}', *(f'{cell:>8}' for cell in cells)])

"""Results as the table PoseTrack's papers print."""

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


def _line(name: str, cells: list[str]) -> str:
    return ' '.join([f'{name:<12}', *(f'{cell:>8}' for cell in cells)])

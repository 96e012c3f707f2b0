"""Results as a table, in the form of PoseTrack's papers."""

from collections.abc import Mapping
from typing import Any

from hrnet_ext.formats.posetrack.keypoints import GROUPS

METRICS = ('AP', 'MOTA', 'MOTP', 'MOTP_poseval', 'Precision', 'Recall')


def format_posetrack(result: Mapping[str, Any]) -> str:
    """The result of :func:`evaluate_posetrack` as a table: metrics by keypoint group, in %."""
    lines = [_line('', [*GROUPS, 'Total'])]
    for metric in METRICS:
        if metric in result:
            values = [*result['per_group'][metric].values(), result[metric]]
            lines.append(_line(metric, [f'{value:.2f}' for value in values]))
    if 'MOTA' in result and not any(each['objects'] for each in result['counts'].values()):
        lines.append(
            'no tracking metrics: no keypoint is annotated in the frames that they use. '
            "poseval skips each sequence's last annotated frame, so a sequence of one frame "
            'has none (strict_poseval=False, --definitions, uses all frames)'
        )
    return '\n'.join(lines)


def _line(name: str, cells: list[str]) -> str:
    return ' '.join([f'{name:<12}', *(f'{cell:>8}' for cell in cells)])

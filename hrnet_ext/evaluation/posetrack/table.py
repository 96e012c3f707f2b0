"""Results as the table PoseTrack's papers print."""

from collections.abc import Mapping
from typing import Any

from hrnet_ext.formats.posetrack.keypoints import GROUPS

METRICS = ('AP', 'MOTA', 'MOTP', 'MOTP_poseval', 'Precision', 'Recall')


def format_posetrack(result: Mapping[str, Any]) -> str:
    """A table of what :func:`evaluate_posetrack` returned: metrics by groups of keypoints, in %."""
    lines = [_line('', [*GROUPS, 'Total'])]
    for metric in METRICS:
        if metric in result:
            values = [*result['per_group'][metric].values(), result[metric]]
            lines.append(_line(metric, [f'{value:.2f}' for value in values]))
    if 'MOTA' in result and not any(each['objects'] for each in result['counts'].values()):
        lines.append(
            'no value for the tracks: no keypoint is annotated in the frames that count for them. '
            "poseval leaves out each sequence's last annotated frame, so a sequence of one frame "
            'has none (strict_poseval=False, --definitions, counts all)'
        )
    return '\n'.join(lines)


def _line(name: str, cells: list[str]) -> str:
    return ' '.join([f'{name:<12}', *(f'{cell:>8}' for cell in cells)])

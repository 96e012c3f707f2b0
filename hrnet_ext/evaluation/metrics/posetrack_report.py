"""PoseTrack's results in the form of MMEngine's logs and files."""

from collections.abc import Mapping
from typing import Any

from mmengine.logging import MMLogger

from hrnet_ext.evaluation.posetrack.table import format_posetrack
from hrnet_ext.formats.posetrack.keypoints import GROUPS

AP_NAMES = ('AP', *(f'{group} AP' for group in GROUPS))
MMPOSE_GROUPS = {'Shoulder': 'Shou', 'Elbow': 'Elb', 'Wrist': 'Wri', 'Ankle': 'Ankl'}
MMPOSE_NAMES = {f'{ours} AP': f'{theirs} AP' for ours, theirs in MMPOSE_GROUPS.items()}
TRACK_NAMES = ('MOTA', 'MOTP', 'Precision', 'Recall')


def values_of(result: Mapping[str, Any]) -> dict[str, float]:
    """The values that are logged and that ``save_best`` can name.

    Args:
        result: What :func:`~hrnet_ext.evaluation.evaluate_posetrack` returned.
    """
    groups = {f'{name} AP': value for name, value in result['per_group']['AP'].items()}
    tracks = {name: result[name] for name in TRACK_NAMES if name in result}
    return {'AP': result['AP'], **groups, **tracks}


def log_result(result: Mapping[str, Any], num_without: int) -> None:
    """Log the table, with the numbers of frames and sequences.

    Args:
        result: What :func:`~hrnet_ext.evaluation.evaluate_posetrack` returned.
        num_without: Evaluated frames without predicted persons.
    """
    MMLogger.get_current_instance().info(
        f'PoseTrack18, {result["num_frames"]} frames of {result["num_sequences"]} sequences '
        f'({num_without} without a prediction), in %:\n{format_posetrack(result)}'
    )


def label(values: Mapping[str, float], absent: str | None, *, true_tracks: bool) -> dict:
    """Add a warning and a mark to values that depend on ground-truth boxes or tracks.

    Args:
        values: As from :func:`values_of`.
        absent: The missing file of detected boxes, if annotated boxes replaced them.
        true_tracks: Whether the track ids are those of the annotations.
    """
    logger = MMLogger.get_current_instance()
    marks = {}
    if absent:
        logger.warning(
            f'AP {values["AP"]:.2f} is on GROUND-TRUTH BOXES, because `{absent}` does not exist; '
            'it is not comparable with results on detected boxes.'
        )
        marks['ground_truth_boxes'] = 1.0
    if true_tracks:
        logger.warning(
            f'MOTA {values["MOTA"]:.2f} uses the TRACKS OF THE GROUND TRUTH; it is an upper '
            'bound for these poses, not the result of tracking.'
        )
        marks['ground_truth_tracks'] = 1.0
    return {**values, **marks}

"""PoseTrack's evaluation of a whole data set, and its results as a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hrnet_ext.evaluation.posetrack.average_precision import Match, keypoint_ap, match
from hrnet_ext.evaluation.posetrack.clear_mot import Counts, Observation, clear_mot
from hrnet_ext.evaluation.posetrack.selection import without_ignored
from hrnet_ext.formats.posetrack.frames import Frame
from hrnet_ext.formats.posetrack.keypoints import (
    GROUPS,
    KEYPOINTS,
    by_group,
    by_keypoint,
    mean_of_known,
)
from hrnet_ext.formats.posetrack.reading import read_pairs

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


Pairs = Sequence[tuple[Frame, Frame]]

# In a frame without annotated or without predicted persons, poseval counts for each keypoint one
# object and one prediction that cannot be matched.
NO_PERSON: Observation = ([0], [0], np.full((1, 1), np.inf))


def evaluate_posetrack(
    gt: Mapping[str, Mapping], pred: Mapping[str, Mapping], strict_poseval: bool = True
) -> dict[str, Any]:
    """AP of predicted poses and, if they have track ids, CLEAR-MOT of their tracks.

    A keypoint is correct within half a head size; the totals are means over the 15 keypoints.
    Keypoints inside ignore regions, and PoseTrack18's ears, do not count. There is no score
    threshold: filter out low-score persons and keypoints before.

    With ``strict_poseval`` the numbers are those of the official poseval with motmetrics 1.4:

    - frames without annotated persons are skipped, even if the file marks them as labeled;
    - tracks are evaluated without the last annotated frame of each sequence (poseval crashes on
      sequences of one frame; here they add nothing);
    - a frame without annotated or without predicted persons counts as one miss and one false
      positive for each keypoint;
    - a keypoint that is neither annotated nor predicted has AP 0;
    - a group is NaN if one of its keypoints is NaN.

    Without it, all labeled frames count, with their actual numbers of objects and false positives,
    and means ignore NaN. Equal scores are ranked from the last to the first, with sequences sorted
    by name.

    Args:
        gt: Ground truth by sequence name: PoseTrack18's or PoseTrack17's JSON as a dict.
        pred: Predictions in the same form, for every sequence and frame of ``gt``.
        strict_poseval: Whether to count as poseval does instead of by the definitions.

    Returns:
        All values in %, NaN if undefined:

        - 'AP': mean over the keypoints.
        - 'MOTA', 'MOTP', 'Precision', 'Recall': likewise, for the tracks. 'MOTP' is
          100 (1 - mean distance of the matches in head sizes). All values about tracks are absent
          if no prediction has a track id.
        - 'MOTP_poseval' (``strict_poseval`` only): the value that poseval prints as MOTP, see
          :class:`~hrnet_ext.evaluation.posetrack.clear_mot.Counts`.
        - 'per_keypoint', 'per_group': each of these metrics by name.
        - 'counts': numbers of tracking events, by keypoint.
        - 'num_sequences', 'num_frames': numbers of evaluated sequences and frames.

    Raises:
        ValueError: If the data is invalid; the message names sequence, frame and key.
    """
    return evaluate_frames({name: _read(gt, pred, name) for name in sorted(gt)}, strict_poseval)


def evaluate_frames(sequences: Mapping[str, Pairs], strict_poseval: bool = True) -> dict[str, Any]:
    """As :func:`evaluate_posetrack`, for frames that are already read.

    Args:
        sequences: By name, frames of the ground truth, each with its predictions.
        strict_poseval: Whether to count as poseval does instead of by the definitions.

    Returns:
        As :func:`evaluate_posetrack`.

    Raises:
        ValueError: If no frame is annotated, or only some have track ids.
    """
    tracked = _is_tracked(sequences)
    matches = {
        name: [_match(*pair) for pair in sequences[name] if _is_evaluated(pair[0], strict_poseval)]
        for name in sorted(sequences)
    }
    num_frames = sum(map(len, matches.values()))
    if not num_frames:
        raise ValueError(
            f'none of the {len(sequences)} sequences of the ground truth has an annotated frame'
        )
    values = {'AP': _ap([item for items in matches.values() for item in items], strict_poseval)}
    counts = _count(list(matches.values()), strict_poseval) if tracked else []
    values |= _tracking(counts, strict_poseval) if tracked else {}
    result: dict[str, Any] = {name: mean_of_known(each) for name, each in values.items()}
    result['per_keypoint'] = {name: by_keypoint(each) for name, each in values.items()}
    result['per_group'] = {
        name: by_group(each, skip_nan=not strict_poseval) for name, each in values.items()
    }
    if tracked:
        result['counts'] = {name: vars(each) for name, each in zip(KEYPOINTS, counts)}
    return {**result, 'num_sequences': len(sequences), 'num_frames': num_frames}


def _read(gt: Mapping[str, Mapping], pred: Mapping[str, Mapping], name: str) -> Pairs:
    """Frames of a sequence with their predictions."""
    if name not in pred:
        raise ValueError(
            f"sequence '{name}' is missing from the predictions (they have {sorted(pred)[:5]}, "
            f'{len(pred)} in all); '
            'each sequence of the ground truth needs predictions under the same name'
        )
    return read_pairs(gt[name], pred[name], name)


def _is_evaluated(frame: Frame, strict_poseval: bool) -> bool:
    """Whether a frame of the ground truth counts."""
    return frame.annotated if strict_poseval else frame.labeled


def _is_tracked(sequences: Mapping[str, Pairs]) -> bool:
    """Whether there are tracks to evaluate.

    Raises:
        ValueError: If some frames have track ids and others do not.
    """
    gt_tracked = _have_ids(sequences, 0, 'ground truth')
    pred_tracked = _have_ids(sequences, 1, 'predictions')
    if pred_tracked and gt_tracked is False:
        raise ValueError(
            'the predictions have track ids, but the ground truth has none; give it track_id, or '
            "remove the predictions' to evaluate only AP"
        )
    return pred_tracked is not False and gt_tracked is not False


def _have_ids(sequences: Mapping[str, Pairs], side: int, what: str) -> bool | None:
    """Whether the persons of one side have track ids; None if there are no persons."""
    tracked: bool | None = None
    for name, pairs in sequences.items():
        for frame in (pair[side] for pair in pairs if len(pair[side].people)):
            has_ids = frame.people.track_ids is not None
            if tracked is not None and has_ids != tracked:
                raise ValueError(
                    f"sequence '{name}', {what}: frame '{frame.name}' is "
                    f'{"with" if has_ids else "without"} track ids, unlike those before it; give '
                    'track_id to all persons, or to none to evaluate only AP'
                )
            tracked = has_ids
    return tracked


def _match(gt: Frame, pred: Frame) -> Match:
    """Match the persons of a frame, after the ignore regions are applied to both sides."""
    people = (without_ignored(frame.people, gt.ignore_regions) for frame in (gt, pred))
    return match(*people)


def _ap(matches: list[Match], strict_poseval: bool) -> np.ndarray:
    """AP (15,) over all frames, in %."""
    return keypoint_ap(
        np.concatenate([item.pred.scores for item in matches]),
        np.concatenate([item.labels for item in matches]),
        np.concatenate([item.pred.present for item in matches]),
        sum(item.gt.present.sum(axis=0) for item in matches),
        strict_poseval=strict_poseval,
    )


def _count(sequences: list[list[Match]], strict_poseval: bool) -> list[Counts]:
    """Events of each of the 15 keypoints over all sequences."""
    if strict_poseval:
        sequences = [matches[:-1] for matches in sequences]
    return [
        sum(
            (clear_mot(_observe(matches, joint, strict_poseval)) for matches in sequences), Counts()
        )
        for joint in range(len(KEYPOINTS))
    ]


def _observe(matches: list[Match], joint: int, strict_poseval: bool) -> Iterator[Observation]:
    """One keypoint of all persons, frame by frame."""
    for item in matches:
        if strict_poseval and not (len(item.gt) and len(item.pred)):
            yield NO_PERSON
            continue
        rows, columns = item.gt.present[:, joint], item.pred.present[:, joint]
        yield (
            item.gt.track_ids[rows].tolist(),
            item.pred.track_ids[columns].tolist(),
            item.distances[rows][:, columns, joint],
        )


def _tracking(counts: list[Counts], strict_poseval: bool) -> dict[str, np.ndarray]:
    """CLEAR-MOT's values (15,) in % from the events of each keypoint."""
    total = {name: np.array([vars(each)[name] for each in counts]) for name in vars(Counts())}
    objects, detections = total['objects'], total['detections']
    errors = total['misses'] + total['switches'] + total['false_positives']
    with np.errstate(invalid='ignore', divide='ignore'):
        values = {
            'MOTA': 100 * (1 - np.where(objects > 0, errors / objects, np.nan)),
            'MOTP': 100 * (1 - total['distance'] / detections),
            'Precision': 100 * detections / (detections + total['false_positives']),
            'Recall': 100 * detections / objects,
        }
        poseval = 100 * (1 - total['event_distance'] / detections)
    if strict_poseval:
        values['MOTP_poseval'] = np.where(detections > 0, poseval, 0)
    return values

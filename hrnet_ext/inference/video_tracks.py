"""Track people through videos, write their tracks in PoseTrack18's format, evaluate them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmpose.structures import PoseDataSample

from hrnet_ext.arguments import named_detector
from hrnet_ext.cli import is_users
from hrnet_ext.engine.run_config import find_checkpoint, parse_options, read_config
from hrnet_ext.evaluation import evaluate_posetrack, format_posetrack
from hrnet_ext.evaluation.poses import Poses, pose_scores
from hrnet_ext.evaluation.posetrack.files import check_replaceable, people_records, prediction_files
from hrnet_ext.formats.boxes import size_of
from hrnet_ext.formats.posetrack.keypoints import KEYPOINTS
from hrnet_ext.formats.posetrack.reading import read_sequences
from hrnet_ext.inference.box_files import boxes_by_image, read_boxes
from hrnet_ext.inference.inferencer import PoseInferencer
from hrnet_ext.inference.result_settings import check_same, config_mark, file_mark
from hrnet_ext.inference.videos import Video, annotated_videos, plain_videos
from hrnet_ext.progress import progress_bar
from hrnet_ext.reading import parse_json
from hrnet_ext.released import released_weights
from hrnet_ext.tracking.options import VARIANTS, TrackingOptions
from hrnet_ext.writing import check_writable, write_json

MAX_TRACKS = 10_000  # of a video, in poseval
# Arguments that tracks do not depend on, or that their settings contain in another form.
NOT_IN_TRACKS = (
    'out', 'resume', 'strict', 'debug', 'device', 'batch_size', 'variant', 'track_options',
    'cfg_options', 'config', 'checkpoint', 'input', 'detector',
)  # fmt: skip
# The tracker drops and unifies boxes by its own thresholds.
ALL_BOXES = {'bbox_thr': 0.0, 'nms_thr': 1.0}


def run_tracking(args: argparse.Namespace) -> str:
    """Run ``tools/track.py``.

    Args:
        args: Its arguments.

    Returns:
        A summary for the user.

    Raises:
        ValueError, OSError: If an argument or a file is invalid. If videos could not be tracked,
            the error is raised after the others are processed.
    """
    tracking = tracking_arguments(args.variant, parse_options(args.track_options))
    truth = read_sequences(args.ann, 'annotation file (--ann)') if args.ann else {}
    videos = annotated_videos(truth, args.input) if truth else plain_videos(args.input)
    boxes = _boxes(args, truth)
    out = Path(args.out)
    if args.bboxes and not truth and len(videos) > 1:
        raise ValueError(
            f'--bboxes without --ann belongs to one video, but `{args.input}` contains '
            f'{len(videos)}; track them one at a time'
        )
    config = read_config(args.config, args.cfg_options)
    checkpoint = find_checkpoint(args.checkpoint or released_weights(config.filename), '')
    settings = _settings(args, tracking, config, checkpoint)
    left = _left_to_do(out, videos, settings, resume=args.resume)
    inferencer = PoseInferencer(
        config,
        checkpoint,
        args.device,
        det_model=named_detector(args),
        det_weights=args.detector_checkpoint,
        det_cat_ids=args.det_cat_ids,
        optimize=args.optimize,
    )
    if truth:
        check_evaluable(inferencer.model.dataset_meta)
    failed = {}
    for video in progress_bar(len(left), 'video', iterable=left):
        try:
            results = inferencer(
                video.inputs,
                return_datasamples=True,
                batch_size=args.batch_size,
                bboxes=boxes(video),
                tracking=tracking,
                **ALL_BOXES,
            )
            with closing(results):
                samples = (result['predictions'][0] for result in results)
                content = tracks_of(video, samples, inferencer.model.dataset_meta, tracking)
        except (OSError, ValueError) as error:
            if args.strict or len(left) == 1 or not is_users(error):
                raise
            failed[video.name] = error
        else:
            content['info']['settings'] = settings
            write_json(out / f'{video.name}.json', content)
    if failed:
        named = '\n'.join(f'  {name}: {error}' for name, error in failed.items())
        raise ValueError(
            f'{len(failed)} of {len(videos)} videos cannot be tracked:\n{named}\nthe tracks of the '
            f'others are in {out}; with --resume the same command tries these again'
        )
    said = f'tracks of {len(videos)} videos are in {out}'
    return f'{_evaluated(truth, out)}\n{said}' if truth else said


def tracking_arguments(variant: str, named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a tracker: a variant, overridden by named arguments.

    Raises:
        ValueError: If there is no such argument, or a value is out of its range.
    """
    known = ['flow', *(field.name for field in fields(TrackingOptions))]
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise ValueError(f'--track-options has no `{unknown[0]}`; there are {", ".join(known)}')
    arguments = {**VARIANTS[variant], **named}
    TrackingOptions(**{name: value for name, value in arguments.items() if name != 'flow'})
    return arguments


def check_evaluable(dataset_meta: Mapping[str, Any]) -> None:
    """Check that a model's keypoints can be evaluated on PoseTrack.

    Raises:
        ValueError: If some that PoseTrack evaluates are not among them.
    """
    absent = [name for name in KEYPOINTS if name not in dataset_meta['keypoint_id2name'].values()]
    if absent:
        raise ValueError(
            f'the model does not estimate {", ".join(absent)}, which PoseTrack evaluates; use one '
            'of PoseTrack18 (hrnet_w32_posetrack18), or leave out --ann'
        )


def tracks_of(
    video: Video,
    samples: Iterable[PoseDataSample],
    dataset_meta: Mapping[str, Any],
    tracking: Mapping[str, Any],
) -> dict[str, Any]:
    """A video's tracks in PoseTrack18's format.

    Args:
        video: The video.
        samples: Its people, frame by frame.
        dataset_meta: Metadata of the model's keypoints.
        tracking: The tracker's arguments.

    Raises:
        ValueError: If there are more tracks than the format allows.
    """
    threshold = tracking.get('keypoint_threshold', TrackingOptions.keypoint_threshold)
    frames, people = [], {}
    for index, sample in enumerate(samples):
        frame = video.record(index)
        found = sample.pred_instances
        if len(found) and found.track_ids.max() >= MAX_TRACKS:
            raise ValueError(
                f'video `{video.name}` has more than {MAX_TRACKS} tracks, which PoseTrack does not '
                'allow; raise box_threshold (--track-options), or cut the video'
            )
        frames.append({'id': frame['id'], 'file_name': frame['file_name']})
        people[frame['id']] = _records(frame['id'], found, threshold)
    names = dataset_meta['keypoint_id2name']
    return prediction_files(
        {video.name: frames}, people, [names[index] for index in range(len(names))]
    )[video.name]


def _records(image_id: int, found: Any, threshold: float) -> list[dict[str, Any]]:
    """A frame's entries of ``annotations``, without the keypoints that the tracker dropped."""
    areas = np.prod(found.bboxes[:, 2:] - found.bboxes[:, :2], axis=1)
    poses = Poses(found.keypoints, found.keypoint_scores, found.bbox_scores, areas)
    return people_records(
        image_id, poses, pose_scores(poses), found.track_ids, min_keypoint_score=threshold
    )


def _boxes(args: argparse.Namespace, truth: Mapping[str, Mapping]) -> Callable[[Video], Any]:
    """The boxes of a video for the inferencer; None if it detects them itself."""
    if not args.bboxes:
        return lambda video: None
    if not truth:
        boxes = read_boxes(args.bboxes)
        return lambda video: boxes
    images = (image for content in truth.values() for image in content['images'])
    by_image = boxes_by_image(args.bboxes, {each['id']: size_of(each) for each in images})
    return lambda video: [by_image.get(record['id'], []) for record in video.records]


def _settings(
    args: argparse.Namespace, tracking: Mapping[str, Any], config: Config, checkpoint: str
) -> dict[str, Any]:
    """Everything that the tracks depend on; stored in each of their files."""
    named = {name: value for name, value in vars(args).items() if name not in NOT_IN_TRACKS}
    return {
        **{name: file_mark(one) if isinstance(one, str) else one for name, one in named.items()},
        'config': config_mark(config),
        'checkpoint': file_mark(checkpoint),
        'input': args.input if '://' in args.input else os.path.realpath(args.input),
        'detector': args.detector and config_mark(args.detector),
        'tracking': dict(tracking),
    }


def _left_to_do(
    out: Path, videos: Sequence[Video], settings: Mapping[str, Any], *, resume: bool
) -> list[Video]:
    """The videos that have not been tracked yet.

    Raises:
        ValueError: If the folder contains other files, tracks without ``--resume``, or tracks made
            with other settings.
        OSError: If the folder is not writable.
    """
    check_replaceable(out)
    check_writable(out)
    done = [video for video in videos if (out / f'{video.name}.json').exists()]
    if done and not resume:
        raise ValueError(
            f'`{out}` already contains tracks of `{done[0].name}`; use --resume to keep them, or '
            'choose another folder'
        )
    for video in done:
        path = out / f'{video.name}.json'
        earlier = parse_json(path.read_bytes(), f'tracks `{path}`')['info'].get('settings', {})
        cure = 'repeat the command with those, or choose another --out'
        check_same(earlier, settings, f'--resume: `{path}` was made', cure)
    return [video for video in videos if video not in done]


def _evaluated(truth: Mapping[str, Mapping], out: Path) -> str:
    """The table of AP and MOTA; all values are written to ``OUT.metrics.json``."""
    result = evaluate_posetrack(truth, read_sequences(out, 'tracks'))
    path = out.with_name(f'{out.name}.metrics.json')
    write_json(path, result, indent=2)
    switches = [each['switches'] for each in result.get('counts', {}).values()]
    mean = f'{np.mean(switches):.2f} identity switches per keypoint; ' if switches else ''
    return f'{format_posetrack(result)}\n{mean}all values are in {path}'

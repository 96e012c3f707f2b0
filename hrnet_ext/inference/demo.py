"""The demo: detect persons in images and videos, estimate, track and draw their poses."""

from __future__ import annotations

import argparse
import os
import time
from contextlib import closing
from typing import Any

from mmengine.logging import print_log

from hrnet_ext.arguments import DEFAULT_MODEL, is_given, named_detector
from hrnet_ext.devices import choose_device
from hrnet_ext.engine.run_config import find_checkpoint, parse_options, read_config
from hrnet_ext.export.engines import is_exported
from hrnet_ext.inference.box_files import read_boxes
from hrnet_ext.inference.inferencer import PoseInferencer
from hrnet_ext.inference.video_tracks import tracking_arguments
from hrnet_ext.inference.videos import is_video

DEFAULT_THR = 0.3  # MMPose's, for score and IoU of boxes
MOST_NAMED = 10  # of the images that cannot be read


def run_demo(args: argparse.Namespace) -> str:
    """Run ``tools/demo.py``.

    Args:
        args: Its arguments.

    Returns:
        A summary for the user.

    Raises:
        ValueError, OSError: If an argument or a file is invalid. If images could not be read, the
            error is raised after the others are processed.
    """
    check_input(args)
    bboxes = read_boxes(args.bboxes) if args.bboxes else None
    options = parse_options(args.track_options)
    tracking = args.track and tracking_arguments('multi_flow', options)
    device = choose_device(args.device)
    inferencer = PoseInferencer(
        *choose_model(args),
        device,
        det_model=named_detector(args),
        det_weights=args.detector_checkpoint,
        det_cat_ids=args.det_cat_ids,
        show_progress=True,
        optimize=args.optimize,
    )
    out_dir = args.out_dir if args.out_dir or args.show else 'work_dirs/demo'
    unreadable: dict[str, Exception] = {}
    goes_on = os.path.isdir(args.input) and not args.strict
    results = inferencer(
        args.input,
        on_unreadable=unreadable.setdefault if goes_on else None,
        bboxes=bboxes,
        batch_size=args.batch_size or (1 if device == 'cpu' else 8),
        out_dir=out_dir,
        tracking=tracking,
        **drawing_options(args),
    )
    begin = time.perf_counter()
    frames = people = 0
    with closing(results):  # files are finished also when Ctrl-C ends the loop
        for result in results:
            frames += 1
            people += len(result['predictions'][0])
    rate = frames / (time.perf_counter() - begin)
    where = f'; see {os.path.abspath(out_dir)}' if out_dir else ''
    report = f'frames: {frames}, people: {people}, {rate:.2f} frames a second{where}'
    if unreadable:
        raise unreadable_error(unreadable, report)
    return report


def choose_model(args: argparse.Namespace) -> tuple[Any, str | None]:
    """The config and the checkpoint of the pose model; an exported file and None.

    Without a checkpoint, the inferencer takes the released weights.

    Raises:
        ValueError: If ``--config`` is missing, or given with an exported file.
        FileNotFoundError: If one of them does not exist.
    """
    if not args.checkpoint:
        return read_config(args.config or DEFAULT_MODEL, args.cfg_options), None
    exported = is_exported(args.checkpoint)
    if exported and (args.config or args.cfg_options):
        raise ValueError(f'{args.checkpoint} is an exported model, which needs no --config')
    if exported:
        if args.device and args.device != 'cpu':
            print_log(
                f'--device {args.device} is ignored: {args.checkpoint} runs on the CPU; '
                'hrnet_ext.export.runtime.PoseSession accepts the devices of its backend',
                'current',
                level=30,
            )
        return find_checkpoint(args.checkpoint, ''), None
    if not args.config:
        raise ValueError('--checkpoint needs its --config, unless it is an exported model')
    return read_config(args.config, args.cfg_options), find_checkpoint(args.checkpoint, '')


def check_input(args: argparse.Namespace) -> None:
    """Reject options that have no effect for this kind of input.

    Raises:
        ValueError: If there is one.
    """
    kind, ignored = ('a video', '--strict') if is_video(args.input) else ('images', '--video-codec')
    if is_given(args, ignored):
        raise ValueError(f'{ignored} has no effect on {kind}, which `{args.input}` is')
    if args.whole_image and (is_given(args, '--bbox-thr') or is_given(args, '--nms-thr')):
        raise ValueError(
            '--bbox-thr and --nms-thr have no effect with --whole-image, which has one box'
        )
    if args.track and args.draw_heatmap:
        raise ValueError('--draw-heatmap cannot be combined with --track')


def unreadable_error(unreadable: dict[str, Exception], report: str) -> ValueError:
    """The final error if images could not be read."""
    named = [f'  {error}' for error in list(unreadable.values())[:MOST_NAMED]]
    more = len(unreadable) - len(named)
    return ValueError(
        '\n'.join(
            [
                f'images that cannot be read: {len(unreadable)}',
                *named,
                *([f'  and {more} more'] if more else []),
                f'the others are processed: {report}',
            ]
        )
    )


def drawing_options(args: argparse.Namespace) -> dict[str, Any]:
    """The drawing options, as the inferencer takes them."""
    options = {
        name: getattr(args, name)
        for name in (
            'kpt_thr', 'radius', 'thickness', 'draw_bbox', 'draw_heatmap', 'black_background',
        )
    }  # fmt: skip
    for name in ('bbox_thr', 'nms_thr'):
        options[name] = DEFAULT_THR if getattr(args, name) is None else getattr(args, name)
    if args.video_codec:
        options['video_codec'] = args.video_codec
    if args.show:
        options['show'] = True
    return {**options, 'draw_score': True}

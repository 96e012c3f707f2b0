"""The demo: people in pictures and videos, found, estimated, perhaps tracked, and drawn."""

from __future__ import annotations

import argparse
import os
import time
from contextlib import closing
from typing import Any

from mmengine.device import get_device

from hrnet_ext.apis.boxes_file import read_boxes
from hrnet_ext.apis.inferencer import PoseInferencer
from hrnet_ext.apis.run_config import find_checkpoint, parse_options, read_config
from hrnet_ext.apis.video_tracks import tracking_arguments
from hrnet_ext.export.engines import is_exported

ADVICE = """\
where are the people? Say one of
  --detector CONFIG --detector-checkpoint FILE   a detector of MMDetection finds them. RTMDet-m is \
a good one:
      mim download mmdet --config rtmdet_m_8xb32-300e_coco --dest .
      --detector rtmdet_m_8xb32-300e_coco.py --detector-checkpoint \
rtmdet_m_8xb32-300e_coco_20220719_112220-229f527c.pth
  --bboxes FILE.json                             their boxes: COCO results, or a list for each image
  --whole-image                                  one person fills each image"""


def run_demo(args: argparse.Namespace) -> str:
    """Do what ``tools/demo.py`` was asked to.

    Args:
        args: Its arguments.

    Returns:
        What was done, for people to read.

    Raises:
        ValueError, OSError: If something in them or in a file is wrong.
    """
    check_boxes_arguments(args)
    bboxes = read_boxes(args.bboxes) if args.bboxes else None
    options = parse_options(args.track_options)
    tracking = args.track and tracking_arguments('multi_flow', options)
    device = args.device or get_device()
    inferencer = PoseInferencer(
        *choose_model(args),
        device,
        det_model=args.detector or 'whole_image',
        det_weights=args.detector_checkpoint,
        det_cat_ids=args.det_cat_ids,
        show_progress=True,
        optimize=args.optimize,
    )
    out_dir = args.out_dir if args.out_dir or args.show else 'work_dirs/demo'
    results = inferencer(
        args.input,
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
    return f'frames: {frames}, people: {people}, {rate:.2f} frames a second{where}'


def choose_model(args: argparse.Namespace) -> tuple[Any, str | None]:
    """The pose model's config and checkpoint; of an exported file the file and None.

    Raises:
        ValueError: If ``--config`` is missing, or given with an exported file.
        FileNotFoundError: If one of them does not exist.
    """
    exported = is_exported(args.checkpoint)
    if exported and (args.config or args.cfg_options):
        raise ValueError(f'{args.checkpoint} is an exported model, which needs no --config')
    if exported:
        return find_checkpoint(args.checkpoint, ''), None
    if not args.config:
        raise ValueError('--checkpoint needs its --config; only an exported model goes without')
    return read_config(args.config, args.cfg_options), find_checkpoint(args.checkpoint, '')


def check_boxes_arguments(args: argparse.Namespace) -> None:
    """Make sure that there is exactly one way to know where people are.

    Raises:
        ValueError: If there is none, with advice, or more than one.
    """
    given = [
        name
        for name, value in (
            ('--detector', args.detector),
            ('--bboxes', args.bboxes),
            ('--whole-image', args.whole_image),
        )
        if value
    ]
    if not given:
        raise ValueError(ADVICE)
    if len(given) > 1:
        raise ValueError(f'{" and ".join(given)} exclude one another')
    if bool(args.detector) != bool(args.detector_checkpoint):
        raise ValueError(f'--detector and --detector-checkpoint need one another\n{ADVICE}')


def drawing_options(args: argparse.Namespace) -> dict[str, Any]:
    """What the pictures look like, as the inferencer takes it."""
    options = {
        name: getattr(args, name)
        for name in (
            'bbox_thr', 'nms_thr', 'kpt_thr', 'radius', 'thickness', 'draw_bbox', 'draw_heatmap',
            'black_background', 'video_codec',
        )
    }  # fmt: skip
    if args.show:
        options['show'] = True
    return {**options, 'draw_score': True}

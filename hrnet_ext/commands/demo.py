"""Draw the people in images and videos: skeletons, scores, and tracks with ids and trails."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from hrnet_ext import cli
from hrnet_ext.arguments import (
    DEFAULT_MODEL,
    add_checkpoint_argument,
    add_device_argument,
    add_people_arguments,
    add_settings_argument,
    check_people_arguments,
    number,
    positive,
    refuse_unused,
    share,
)  # fmt: skip


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Draw people's skeletons into images and videos: the left side blue, the "
        'right orange, the middle yellow; with --track each person has a color, an id and a '
        'trail. Predictions are written as JSON.'
    )
    parser.add_argument(
        'input', help='image, folder of images, video, URL, webcam or webcam:NUMBER'
    )
    parser.add_argument(
        '--config',
        help=f'the pose model: a config, or the name of a shipped one (default: {DEFAULT_MODEL})',
    )
    add_checkpoint_argument(parser, '; or a file of tools/export.py, which needs no --config')
    add_settings_argument(parser, '--cfg-options', "override the pose model's settings")
    cli.add_debug_argument(parser)

    people = add_people_arguments(parser)
    people.add_argument('--bbox-thr', type=share, help='minimum score of a box (0.3)')
    people.add_argument(
        '--nms-thr', type=share, help='of boxes with a higher IoU, keep the best one (0.3)'
    )

    tracks = parser.add_argument_group('tracking')
    tracks.add_argument('--track', action='store_true', help='give each person an id in a video')
    add_settings_argument(
        tracks,
        '--track-options',
        'arguments of hrnet_ext.tracking.PoseTracker, such as flow=lk box_threshold=0.4',
    )

    run = parser.add_argument_group('run')
    run.add_argument('--out-dir', help='folder for drawings and predictions (work_dirs/demo)')
    run.add_argument('--show', action='store_true', help='show in a window; Esc or q ends')
    cli.add_optimize_argument(run, default='fp32')
    add_device_argument(run)
    run.add_argument('--batch-size', type=positive, help='frames per batch (8, on a CPU 1)')
    run.add_argument(
        '--video-codec', metavar='CODEC', help='h264 (default; browsers play it), vp9 or mpeg4',
    )  # fmt: skip
    run.add_argument(
        '--strict', action='store_true', help='stop at the first image that cannot be read'
    )

    drawing = parser.add_argument_group('drawing')
    drawing.add_argument(
        '--kpt-thr', type=share, default=0.3, help='minimum score of a keypoint (%(default)s)'
    )
    drawing.add_argument(
        '--radius', type=number(int, 0), help='of keypoints, in pixels (follows --thickness)'
    )
    drawing.add_argument(
        '--thickness', type=positive, help='of limbs, in pixels (follows the size of the person)'
    )
    drawing.add_argument('--draw-bbox', action='store_true', help='draw the boxes')
    drawing.add_argument('--draw-heatmap', action='store_true', help='draw heatmaps below')
    drawing.add_argument('--black-background', action='store_true', help='draw on black')
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    args = make_parser().parse_args(arguments)
    check_people_arguments(args)
    refuse_unused(args, {'--track-options': '--track'})
    return args


def run(args: argparse.Namespace) -> None:
    """Estimate, draw, and print where the drawings are."""
    from hrnet_ext.inference.demo import run_demo

    print(run_demo(args))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)))

"""Track people through videos or PoseTrack's sequences, and evaluate the tracks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from hrnet_ext import cli
from hrnet_ext.arguments import (
    add_checkpoint_argument,
    add_device_argument,
    add_people_arguments,
    add_settings_argument,
    check_people_arguments,
    positive,
)

VARIANTS = ('multi_flow', 'flow', 'pose', 'box', 'hungarian_box', 'mmpose')


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Track people as Simple Baselines and HRNet do, and write a PoseTrack18 file '
        'per video. With --ann, AP and MOTA are printed and written as well.'
    )
    parser.add_argument(
        'input',
        help='a video, a folder of frames, a folder of videos; with --ann the folder that its '
        'file names are relative to',
    )
    parser.add_argument('--config', required=True, help='the pose model: a config or its name')
    add_checkpoint_argument(parser)
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the tracks')
    parser.add_argument(
        '--ann',
        metavar='FILE',
        help="PoseTrack18's annotations: merged file or folder of a split",
    )
    add_people_arguments(parser)
    parser.add_argument(
        '--variant',
        choices=VARIANTS,
        default='multi_flow',
        help='what people are matched by (%(default)s, as in the papers); mmpose: boxes of the '
        'previous frame',
    )
    add_settings_argument(
        parser,
        '--track-options',
        'arguments of hrnet_ext.tracking.PoseTracker, such as flow=lk propagate_boxes=False '
        'box_threshold=0.5 keypoint_threshold=0.4',
    )
    parser.add_argument('--resume', action='store_true', help='keep the tracks that are there')
    parser.add_argument(
        '--strict', action='store_true', help='stop at the first video that cannot be tracked'
    )
    cli.add_optimize_argument(parser, default='fp32')
    add_device_argument(parser)
    parser.add_argument(
        '--batch-size', type=positive, default=4,
        help='frames in a pass of the detector (%(default)s)',
    )  # fmt: skip
    add_settings_argument(parser, '--cfg-options', "override the pose model's settings")
    cli.add_debug_argument(parser)
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    args = make_parser().parse_args(arguments)
    check_people_arguments(args)
    return args


def run(args: argparse.Namespace) -> None:
    """Track, and print what was measured."""
    from hrnet_ext.inference.video_tracks import run_tracking

    print(run_tracking(args))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)), after_interrupt='--resume goes on')

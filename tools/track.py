"""Track people through videos or PoseTrack's sequences, and evaluate the tracks."""

from __future__ import annotations

import argparse

from hrnet_ext import cli
from hrnet_ext.arguments import add_people_arguments, check_people_arguments, positive

VARIANTS = ('multi_flow', 'flow', 'pose', 'box', 'hungarian_box', 'mmpose')


def main() -> None:
    """Track, and print what was measured."""
    args = parse_args()

    from hrnet_ext.inference.video_tracks import run_tracking  # after parsing: --help is instant

    print(run_tracking(args))


def parse_args() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(
        description='Track people as Simple Baselines and HRNet do, and write a PoseTrack18 file '
        'per video. With --ann, AP and MOTA are printed and written, too.'
    )
    parser.add_argument(
        'input',
        help='a video, a folder of frames, a folder of videos; with --ann the folder that its '
        'file names start from',
    )
    parser.add_argument('--config', required=True, help='the pose model: a config or its name')
    parser.add_argument('--checkpoint', required=True, help='its weights: path or URL')
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
        help='what poses are matched by (%(default)s, as the papers do); mmpose: boxes of the '
        'previous frame',
    )
    parser.add_argument(
        '--track-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='arguments of hrnet_ext.tracking.PoseTracker, such as flow=lk '
        'propagate_boxes=False box_threshold=0.5 keypoint_threshold=0.4',
    )
    parser.add_argument('--resume', action='store_true', help='keep the tracks that are there')
    parser.add_argument(
        '--strict', action='store_true', help='stop at the first video that cannot be tracked'
    )
    cli.add_optimize_argument(parser, default='fp32')
    parser.add_argument('--device', help='cuda:0, cpu, ... (a GPU if there is one)')
    parser.add_argument(
        '--batch-size', type=positive, default=4,
        help='frames in a pass of the detector (%(default)s)',
    )  # fmt: skip
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help="override the pose model's settings",
    )
    cli.add_debug_argument(parser)
    args = parser.parse_args()
    check_people_arguments(args)
    return args


if __name__ == '__main__':
    cli.run(main, after_interrupt='--resume goes on')

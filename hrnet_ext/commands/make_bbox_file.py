"""Detect people with any MMDetection detector, and write their boxes as a `bbox_file`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hrnet_ext import cli
from hrnet_ext.arguments import add_device_argument, number, positive, share


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.config_parser(
        'Detect people in the images of a data set and write their boxes as a bbox_file. CONFIG '
        'is a detector of MMDetection: a file, or the name of one it ships. If it is interrupted, '
        'the same command goes on where it stopped.'
    )
    parser.add_argument('checkpoint', help="the detector's weights: path or URL")
    parser.add_argument(
        '--ann', required=True, metavar='FILE', help='annotations of COCO, PoseTrack18 or MPII'
    )
    parser.add_argument(
        '--img-root',
        required=True,
        metavar='DIR',
        help='folder that image names are relative to',
    )
    parser.add_argument('--out', required=True, type=Path, metavar='FILE', help='JSON to write')
    parser.add_argument(
        '--score-thr', type=share, default=0.05, help='minimum score of a box (%(default)s)'
    )
    parser.add_argument(
        '--nms-thr',
        type=share,
        help='of boxes with a higher IoU, keep the best one (default: what the detector does)',
    )
    parser.add_argument(
        '--person-class', default='person', help='what the detector calls people (%(default)s)'
    )
    parser.add_argument(
        '--batch-size', type=positive, default=8, help='images in a forward pass (%(default)s)'
    )
    parser.add_argument(
        '--num-workers',
        type=number(int, 0),
        default=1,
        help='processes that read images (%(default)s)',
    )
    add_device_argument(parser)
    parser.add_argument('--overwrite', action='store_true', help='replace FILE if it is there')
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    parser = make_parser()
    args = parser.parse_args(arguments)
    if args.out.exists() and not args.overwrite:
        parser.error(f'{args.out} exists; --overwrite replaces it')
    return args


def run(args: argparse.Namespace) -> None:
    """Detect, and print how many boxes there are."""
    from hrnet_ext.inference.bbox_file import detect_people

    print(f'{detect_people(args)} boxes in {args.out}')


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)), after_interrupt='the same command goes on')

"""Prepare your own data: hrnet-ext prepare-dataset TRAIN.json IMAGES --out configs/mine.py"""

import argparse
from collections.abc import Sequence

from hrnet_ext import cli
from hrnet_ext.arguments import add_overwrite_argument, number

METRICS = ('pck', 'auc', 'epe')  # of hrnet_ext.preparation.config_text, which imports MMEngine


def _pair(text: str) -> tuple[str, str]:
    left, equals, right = text.partition('=')
    if not (left and equals and right):
        raise argparse.ArgumentTypeError(f'should be LEFT=RIGHT, but is {text}')
    return left, right


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Check COCO-style keypoint annotations, and write a config that trains on them '
        'at once. An audit lists facts and suspicions, and a contact sheet shows the annotations.'
    )
    parser.add_argument('ann_file', metavar='TRAIN.json', help='the annotations')
    parser.add_argument('img_root', metavar='IMAGES', help='folder that their file names start in')
    parser.add_argument('--out', required=True, metavar='CONFIG.py', help='the config to write')
    parser.add_argument(
        '--val', nargs=2, metavar=('VAL.json', 'IMAGES'), help='separate data for validation'
    )
    parser.add_argument(
        '--val-fraction', type=number(float, 0.001, 0.9), default=0.1,
        help='without --val: fraction of the images for validation; near-duplicate images stay '
        'together (%(default)s)',
    )  # fmt: skip
    parser.add_argument('--seed', type=number(int, 0), default=0, help='of the split (%(default)s)')
    parser.add_argument('--category', help='name of the category, if there are several')
    parser.add_argument('--name', help='name of the data set (default: of the category)')
    parser.add_argument(
        '--swap', type=_pair, nargs='+', default=[], metavar='LEFT=RIGHT',
        help='mirror pairs that the names do not tell',
    )  # fmt: skip
    parser.add_argument(
        '--no-swap', action='store_true', help='keypoints without a clear partner have none'
    )
    parser.add_argument(
        '--sigmas', type=number(float, 1e-4, 1), nargs='+', metavar='SIGMA', help='OKS constants'
    )
    parser.add_argument(
        '--metrics', nargs='+', choices=METRICS, default=[],
        help="MMPose's metrics beside AP: share of keypoints within 0.2 box sizes, area under that "
        'curve, mean distance in pixels',
    )  # fmt: skip
    parser.add_argument(
        '--network', default='hrnet_w32_coco', help='shipped config to start from (%(default)s)'
    )
    parser.add_argument(
        '--weights', help="path or URL to start from (default: released weights); 'none': scratch"
    )
    add_overwrite_argument(parser, 'replace the config and its folder')
    cli.add_debug_argument(parser)
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return make_parser().parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""

    def run() -> None:
        args = parse_args(arguments)
        from hrnet_ext.preparation.prepare import prepare_dataset

        print(prepare_dataset(args))

    cli.run(run)

"""Make label maps of people for MMSegmentation: hrnet-ext make-person-masks ANN OUT"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hrnet_ext import cli


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Write a PNG (0 background, 1 person, 255 crowd, to be ignored) for each image '
        'of a COCO annotation file, real or rendered, as MMSegmentation reads them.'
    )
    parser.add_argument('ann', metavar='ANN', type=Path, help='person_keypoints_*.json or the like')
    parser.add_argument('out', metavar='OUT', type=Path, help='folder to make')
    parser.add_argument('--overwrite', action='store_true', help='replace OUT if it is there')
    cli.add_debug_argument(parser)
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return make_parser().parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    """Write them, and print how many there are."""
    from hrnet_ext.conversion.person_masks import write_person_masks

    count = write_person_masks(args.ann, args.out, replace=args.overwrite)
    print(f'{count} label maps in {args.out}')


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)))

"""Render the toy data set that docs/mixing.md trains on: hrnet-ext make-butterflies OUT"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hrnet_ext import cli


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Render butterflies with five keypoints in COCO format, an example of a data '
        'set of your own: configs/hrnet_butterflies.py trains on them.'
    )
    parser.add_argument('out', metavar='OUT', type=Path, help='folder to make')
    parser.add_argument('--num-train', type=int, default=600, metavar='N', help='%(default)s')
    parser.add_argument('--num-val', type=int, default=100, metavar='N', help='%(default)s')
    parser.add_argument('--seed', type=int, default=0, help='random seed (%(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace OUT if it is there')
    cli.add_debug_argument(parser)
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return make_parser().parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    """Render them."""
    from hrnet_ext.synthetic.butterflies import write_butterflies

    write_butterflies(
        args.out,
        num_train=args.num_train,
        num_val=args.num_val,
        seed=args.seed,
        replace=args.overwrite,
    )
    print(f'{args.num_train} and {args.num_val} butterflies in {args.out}')


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)))

"""Render the toy that docs/mixing.md trains on: python tools/make_butterflies.py OUT"""

import argparse
from pathlib import Path

from hrnet_ext import cli


def main() -> None:
    """Render it."""
    parser = argparse.ArgumentParser(
        description='Render butterflies with five keypoints in COCO format, to try a data set of '
        "one's own with: configs/hrnet_butterflies.py trains on them."
    )
    parser.add_argument('out', metavar='OUT', type=Path, help='folder to make')
    parser.add_argument('--num-train', type=int, default=600, metavar='N', help='%(default)s')
    parser.add_argument('--num-val', type=int, default=100, metavar='N', help='%(default)s')
    parser.add_argument('--seed', type=int, default=0, help='source of chance (%(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace OUT if it is there')
    cli.add_debug_argument(parser)
    args = parser.parse_args()

    from hrnet_ext.synthetic.butterflies import write_butterflies

    write_butterflies(
        args.out,
        num_train=args.num_train,
        num_val=args.num_val,
        seed=args.seed,
        replace=args.overwrite,
    )
    print(f'{args.num_train} and {args.num_val} butterflies in {args.out}')


if __name__ == '__main__':
    cli.run(main)

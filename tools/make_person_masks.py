"""Make label maps of people for MMSegmentation: python tools/make_person_masks.py ANN OUT"""

import argparse
from pathlib import Path

from hrnet_ext import cli


def main() -> None:
    """Write them, and tell how many."""
    parser = argparse.ArgumentParser(
        description='Write a PNG (0 background, 1 person, 255 crowd, to be ignored) for each image '
        'of a COCO annotation file, real or rendered, as MMSegmentation reads them.'
    )
    parser.add_argument('ann', metavar='ANN', type=Path, help='person_keypoints_*.json or the like')
    parser.add_argument('out', metavar='OUT', type=Path, help='folder to make')
    parser.add_argument('--overwrite', action='store_true', help='replace OUT if it is there')
    cli.add_debug_argument(parser)
    args = parser.parse_args()

    from hrnet_ext.conversion.person_masks import write_person_masks

    count = write_person_masks(args.ann, args.out, replace=args.overwrite)
    print(f'{count} label maps in {args.out}')


if __name__ == '__main__':
    cli.run(main)

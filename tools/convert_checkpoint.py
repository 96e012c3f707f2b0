"""Convert a released HRNet checkpoint: official, MMPose, MMDetection, MMSegmentation or timm."""

import argparse
import sys
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('input', metavar='IN', help='checkpoint file or URL')
    parser.add_argument('output', metavar='OUT', type=Path, help='file to write')
    parser.add_argument(
        '--to',
        choices=('mmpose', 'official'),
        default='mmpose',
        help="names to write: MMPose's and ours (backbone.*, head.*; default), or the official "
        "release's bare ones",
    )
    parser.add_argument(
        '--min-match',
        type=float,
        default=0.95,
        metavar='SHARE',
        help="fail if less than this share of the backbone's tensors matches (default: 0.95)",
    )
    parser.add_argument('--force', action='store_true', help='overwrite OUT')
    parser.add_argument(
        '--trust', action='store_true', help='read IN the classic way, which runs code it may hold'
    )
    args = parser.parse_args()
    if not 0 <= args.min_match <= 1:
        parser.error(f'--min-match must be 0 to 1, got {args.min_match}')
    if args.output.exists() and not args.force:
        parser.error(f'{args.output} exists; --force overwrites it')
    return args


def main() -> None:
    args = parse_args()
    from hrnet_ext.checkpoints.conversion_file import convert_file  # here: --help is instant

    try:
        report, digest = convert_file(
            args.input, args.output, to=args.to, min_match=args.min_match, trusted=args.trust
        )
    except (ValueError, OSError) as error:
        sys.exit(f'error: {error}')
    print(report)
    print(f'{args.output}\nsha256 {digest}')


if __name__ == '__main__':
    main()

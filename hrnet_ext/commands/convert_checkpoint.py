"""Convert a released HRNet checkpoint: official, MMPose, MMDetection, MMSegmentation or timm."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hrnet_ext.arguments import add_overwrite_argument


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('input', metavar='IN', help='checkpoint file or URL')
    parser.add_argument('output', metavar='OUT', type=Path, help='file to write')
    parser.add_argument(
        '--to',
        choices=('mmpose', 'official'),
        default='mmpose',
        help="names to write: MMPose's and ours (backbone.*, head.*; default), or the official "
        "release's, without prefixes",
    )
    parser.add_argument(
        '--min-match',
        type=float,
        default=0.95,
        metavar='SHARE',
        help="fail if less than this share of the backbone's tensors matches (default: 0.95)",
    )
    add_overwrite_argument(parser, 'replace OUT if it is there')
    parser.add_argument(
        '--trust',
        action='store_true',
        help='unpickle IN without checks, which runs code that it may contain',
    )
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    parser = make_parser()
    args = parser.parse_args(arguments)
    if not 0 <= args.min_match <= 1:
        parser.error(f'--min-match must be 0 to 1, got {args.min_match}')
    if args.output.exists() and not args.overwrite:
        parser.error(f'{args.output} exists; --overwrite replaces it')
    return args


def main(arguments: Sequence[str] | None = None) -> None:
    """Convert, and print what matched; a mistake ends with one line."""
    args = parse_args(arguments)
    from hrnet_ext.checkpoints.conversion import convert_file

    try:
        report, digest = convert_file(
            args.input, args.output, to=args.to, min_match=args.min_match, trusted=args.trust
        )
    except (ValueError, OSError) as error:
        sys.exit(f'error: {error}')
    print(report)
    print(f'{args.output}\nsha256 {digest}')

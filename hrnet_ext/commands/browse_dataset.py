"""Samples as the network sees them: hrnet-ext browse-dataset CONFIG [--with-targets]"""

import argparse
from collections.abc import Sequence

from hrnet_ext import cli
from hrnet_ext.arguments import number, positive


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.config_parser(
        'Draw samples of a data set after augmentation, as the network sees them, with their '
        'keypoints. Works with top-down configs of hrnet_ext and of MMPose.'
    )
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train', help='(%(default)s)'
    )
    parser.add_argument(
        '--with-targets', action='store_true', help='show the target heatmaps beside each sample'
    )
    parser.add_argument('--out-dir', help='folder for the drawings (work_dirs/browse/CONFIG)')
    parser.add_argument('--num-samples', type=positive, default=12, help='(%(default)s)')
    parser.add_argument(
        '--seed', type=number(int, 0), default=0, help='of the augmentation (%(default)s)'
    )
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return make_parser().parse_args(arguments)


def run(args: argparse.Namespace) -> str:
    """Draw the samples.

    Returns:
        Where they are.
    """
    from pathlib import Path

    from hrnet_ext.engine.run_config import read_config
    from hrnet_ext.preparation.browse import browse_dataset

    out_dir = args.out_dir or f'work_dirs/browse/{Path(args.config).stem}'
    overview, *drawings = browse_dataset(
        read_config(args.config, args.cfg_options),
        args.split,
        out_dir,
        num_samples=args.num_samples,
        with_targets=args.with_targets,
        seed=args.seed,
    )
    return f'{len(drawings)} samples in {out_dir}, all of them on {overview}'


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: print(run(parse_args(arguments))))

"""Ground truth and prediction side by side: hrnet-ext draw-predictions CONFIG DUMP.pkl"""

import argparse
from collections.abc import Sequence

from hrnet_ext import cli
from hrnet_ext.arguments import positive, share


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.config_parser(
        'Draw ground truth (left) and prediction (right) of a test: a PNG for each image, and all '
        "of them on one sheet. A person's left side is blue, the right side orange, the middle "
        'yellow.'
    )
    parser.add_argument('dump', help='what tools/test.py --dump wrote')
    parser.add_argument('--out-dir', default='pictures', help='folder for them (%(default)s)')
    parser.add_argument('--num-images', type=positive, default=12, help='at most (%(default)s)')
    parser.add_argument(
        '--min-score', type=share, default=0.2, help='of a predicted keypoint (%(default)s)'
    )
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return make_parser().parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    """Draw, and print where the drawings are."""
    from hrnet_ext.engine.run_config import read_config
    from hrnet_ext.inference.draw_dump import draw_dump

    sheet, *drawings = draw_dump(
        read_config(args.config, args.cfg_options),
        args.dump,
        args.out_dir,
        num_images=args.num_images,
        min_score=args.min_score,
    )
    print(f'{len(drawings)} drawings in {args.out_dir}, all of them on {sheet}')


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)))

"""Parameters and multiply-adds: hrnet-ext get-flops CONFIG [CONFIG ...] [--shape HEIGHT WIDTH]"""

import argparse
from collections.abc import Sequence

from hrnet_ext import cli


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.config_parser(
        'Parameters and multiply-adds (of convolutions and matrix products, for one image, without '
        'the flip test) of a config by part, or of several configs in total. The GFLOPs of the '
        'HRNet papers are multiply-adds / 2**30.'
    )
    parser.add_argument('more', metavar='config', nargs='*', help='more of them: a line for each')
    parser.add_argument(
        '--shape',
        nargs=2,
        type=int,
        metavar=('HEIGHT', 'WIDTH'),
        help="size of the input (default: the codec's)",
    )
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return make_parser().parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    """Print the table."""
    from hrnet_ext.engine.run_config import read_config
    from hrnet_ext.inference.complexity import PAPER_GFLOP, Complexity, measure_config

    names = [args.config, *args.more]
    costs = [measure_config(read_config(name, args.cfg_options), args.shape) for name in names]
    totals = {name: sum(parts.values(), Complexity()) for name, parts in zip(names, costs)}
    rows = totals if args.more else {**costs[0], 'total': totals[args.config]}
    width = max(18, *map(len, rows))
    columns = ('parameters / 1e6', 'multiply-adds / 1e9', "papers' GFLOPs")
    first = 'config' if args.more else 'part'
    print(f'{first:<{width}}' + ''.join(f'{column:>21}' for column in columns))
    for name, cost in rows.items():
        print(
            f'{name:<{width}}{cost.parameters / 1e6:>21.3f}{cost.multiply_adds / 1e9:>21.3f}'
            f'{cost.multiply_adds / PAPER_GFLOP:>21.3f}'
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)))
